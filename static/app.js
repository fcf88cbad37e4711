// What HTML and htmx cannot do. Every page works without this file.
const $ = (query, within = document) => within.querySelector(query);
const $$ = (query, within = document) => [...within.querySelectorAll(query)];

// Selection: the bulk bar follows the ticks, the header box shows the mixed state.
function count() {
  const form = $('#results'), bulk = form && $('.bulk', form);
  if (!bulk) return;
  const boxes = $$('tbody input[type=checkbox]', form), all = $('#all', form);
  const ticked = boxes.filter(box => box.checked).length, whole = $('input[name=all]', form);
  if (all) {
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  if (whole && ticked < boxes.length) whole.remove(); // one taken out: no longer everything that matches
  if ($('input[name=all]', form)) return;
  bulk.hidden = ticked === 0;
  $('#picked', bulk).textContent = ticked + ' selected';
  for (const n of $$('[data-count]', bulk)) n.textContent = ticked;
}

document.addEventListener('change', event => {
  if (event.target.id === 'all') for (const box of $$('#results tbody input[type=checkbox]')) box.checked = event.target.checked;
  if (event.target.closest('#results')) count();
  if (event.target.closest('#choice')) forget();
});
document.addEventListener('reset', () => setTimeout(count));
document.addEventListener('htmx:after:swap', count);
document.addEventListener('DOMContentLoaded', count);
addEventListener('pageshow', count);

// A changed choice is no longer what the preview showed: its fingerprint goes until the new numbers come.
function forget() {
  const fingerprint = $('#fingerprint');
  if (fingerprint) fingerprint.value = '';
}
document.addEventListener('input', event => event.target.closest('#choice') && forget());

// Menus close when something else is pressed.
document.addEventListener('click', event => {
  for (const menu of $$('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
});

// "/" goes to the search box, never while typing.
document.addEventListener('keydown', event => {
  if (event.target.matches('input, textarea, select') || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = $('input[type=search]');
  if (event.key === '/' && box) {
    event.preventDefault();
    box.focus();
  }
});
