// After a press the server says that something has changed, and the page loads its main part again. What is
// ticked, typed or open in it stays as it is.
import { $, $$ } from './dom.js';
import { pageAddress } from './dialogs.js';
import { focusTable, isFocusLost } from './focus.js';
import { clearSelection, rowBoxes } from './selection.js';

let pressed = null; // the button that was pressed last
let tickedThen = []; // the boxes of the rows that it was pressed for: a row that is ticked meanwhile stays ticked

async function refreshMain() {
  const hadFocus = document.activeElement !== document.body;
  const how = { target: '#main', select: '#main', swap: 'outerMorph ignoreTitle:true' };
  await htmx.ajax('GET', pageAddress(), how);
  if (hadFocus && isFocusLost()) focusTable();
}

document.addEventListener('submit', event => {
  pressed = event.submitter;
  tickedThen = rowBoxes().filter(box => box.checked);
}, { capture: true });

document.addEventListener('changed', () => {
  for (const dialog of $$('#ask dialog')) dialog.close();
  $('#strip')?.replaceChildren(); // why an earlier press was refused
  if (pressed?.closest('.bulk, dialog.ask')) clearSelection(tickedThen);
  refreshMain();
});

// If the page has another address by the time the answer arrives, the main part of that address is loaded
// instead.
document.addEventListener('htmx:before:swap', event => {
  const { ctx } = event.detail;
  const isRefresh = ctx.sourceElement === document.body;
  if (!isRefresh || ctx.request.action === pageAddress()) return;
  event.preventDefault();
  refreshMain();
});
