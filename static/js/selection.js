// The selection in a list whose rows have boxes. The bulk bar follows the ticks; the box in the header shows
// whether all rows are ticked, some or none.
import { $, $$, LIST } from './dom.js';
import { focusTable } from './focus.js';
import { showToast } from './toasts.js';
import { say } from './texts.js';

/** The boxes of the rows on this page of the list. */
export function rowBoxes() {
  return $$(`${LIST} tbody input[type=checkbox]`);
}

/** Brings the bulk bar and the header's box in line with what is ticked. */
export function updateBulkBar() {
  const list = $(LIST);
  const bar = list && $('.bulk', list);
  if (!bar) return;
  const boxes = rowBoxes();
  const ticked = boxes.filter(box => box.checked);
  updateHeaderBox(boxes.length, ticked.length);

  const everyMatch = $('input[name=all]', list); // rows of other pages are selected, too
  if (everyMatch && ticked.length === boxes.length) return;
  everyMatch?.remove(); // a row was unticked

  bar.hidden = ticked.length === 0;
  $('#picked', bar).textContent = say('selected', { count: ticked.length });
  const rows = ticked.map(box => box.closest('tr'));
  for (const count of $$('[data-count]', bar)) {
    const verb = count.dataset.count; // without one, the button is for every row
    const action = `[formaction$="/${verb}"]`;
    count.textContent = verb ? rows.filter(row => $(action, row)).length : rows.length;
  }
}

function updateHeaderBox(boxes, ticked) {
  const headerBox = $(`${LIST} #all`);
  if (!headerBox) return;
  headerBox.checked = ticked > 0 && ticked === boxes;
  headerBox.indeterminate = ticked > 0 && ticked < boxes;
}

/** Unticks these rows, or all. */
export function clearSelection(boxes = rowBoxes()) {
  $(`${LIST} input[name=all]`)?.remove();
  for (const box of boxes) box.checked = false;
  updateBulkBar();
}

document.addEventListener('change', event => {
  if (event.target.id === 'all') {
    for (const box of rowBoxes()) box.checked = event.target.checked;
  }
  if (event.target.closest(LIST)) updateBulkBar();
});

// The browser would press the first button of the form.
document.addEventListener('keydown', event => {
  if (event.key === 'Enter' && event.target.matches(`${LIST} input[type=checkbox]`)) event.preventDefault();
});

// Wait until the browser has reset the form. The bar goes, and with it the button that had the focus.
document.addEventListener('reset', () => setTimeout(() => {
  clearSelection();
  focusTable();
}));

document.addEventListener('htmx:before:swap', event => {
  const { target, sourceElement } = event.detail.ctx;
  const isOtherList = target?.matches?.(LIST) && !sourceElement.matches('[data-keeps]');
  if (isOtherList && rowBoxes().some(box => box.checked)) {
    showToast(say('list changed'));
  }
});

addEventListener('pageshow', updateBulkBar);
