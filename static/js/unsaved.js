// Forms with data-unsaved: a person who leaves the page before what was typed is saved is asked once.
const typed = new Set();

document.addEventListener('input', event => {
  const form = event.target.closest('form[data-unsaved]');
  if (form) typed.add(form);
});

// Capture: whatever else happens with it, the form is being saved.
document.addEventListener('submit', event => typed.delete(event.target), { capture: true });

addEventListener('beforeunload', event => {
  if ([...typed].some(form => form.isConnected)) event.preventDefault();
});
