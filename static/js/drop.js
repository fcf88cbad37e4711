// Files that are dropped anywhere on a field for files, not only on its button.
document.addEventListener('dragover', event => {
  const area = event.target.closest('[data-drop]');
  if (!area) return;
  event.preventDefault();
  area.classList.add('is-over');
});

document.addEventListener('dragleave', event => {
  const area = event.target.closest('[data-drop]');
  if (area && !area.contains(event.relatedTarget)) area.classList.remove('is-over');
});

document.addEventListener('drop', event => {
  const area = event.target.closest('[data-drop]');
  if (!area) return;
  event.preventDefault();
  area.classList.remove('is-over');
  const field = area.querySelector('input[type=file]');
  field.files = event.dataTransfer.files;
  field.dispatchEvent(new Event('change', { bubbles: true }));
});
