// Shortcuts: single keys that act on the page, except while a person types. Each person can turn them off
// (/account).
import { $, $$, LIST } from './dom.js';
import { hasFixes, skipFix, stepFix, tickFix } from './fixes.js';
import { rowBoxes, updateBulkBar } from './selection.js';

const shortcuts = {
  '/': () => $('input[type=search]')?.focus(),
  'j': () => step(1),
  'k': () => step(-1),
  'x': () => tickRow({ range: false }),
  'X': () => tickRow({ range: true }),
  'n': newRun,
  's': skipFix,
  'u': () => ($('#toasts form button') ?? $('[data-undo]'))?.click(),
  '?': () => $('#keys')?.showModal(),
};
const IN_DIALOGS = ['j', 'k', 'u'];
const TYPING = 'input:not([type=checkbox], [type=radio]), textarea, select, [role=tree] *';

let lastTicked = null; // the box that was ticked last by a shortcut: a range starts there

function areOn() {
  return !('noShortcuts' in document.body.dataset);
}

function newRun() {
  const link = $('a[href="/runs/new"]');
  if (link) link.click(); // it may open a dialog
  else location.href = '/runs/new';
}

// To the next or previous row of a table; in a dialog and on a result's page, to the next or previous result.
function step(by) {
  if (hasFixes()) { stepFix(by); return; }
  const dialog = $('dialog[open]');
  if (dialog || !$(LIST)) {
    $(by > 0 ? 'a[rel=next]' : 'a[rel=prev]', dialog ?? document)?.click();
    return;
  }
  const rows = $$(`${LIST} tbody tr`);
  if (rows.length === 0) return;
  const current = rows.indexOf(document.activeElement.closest('tr'));
  const wanted = current < 0 ? 0 : current + by;
  const row = rows[Math.max(0, Math.min(rows.length - 1, wanted))];
  $('a.row-title', row)?.focus();
}

// Ticks or unticks the row that has the focus. A range gets the state of the box that was ticked last.
function tickRow({ range }) {
  if (hasFixes()) { tickFix(); return; }
  const row = document.activeElement.closest(`${LIST} tbody tr`);
  const box = row && $('input[type=checkbox]', row);
  if (!box) return;
  const checked = range && lastTicked ? lastTicked.checked : !box.checked;
  const boxes = rowBoxes();
  const start = boxes.indexOf(range && lastTicked?.isConnected ? lastTicked : box);
  const end = boxes.indexOf(box);
  for (const each of boxes.slice(Math.min(start, end), Math.max(start, end) + 1)) each.checked = checked;
  lastTicked = box;
  updateBulkBar();
}

document.addEventListener('keydown', event => {
  const isTyping = event.target.matches(TYPING) || event.composedPath()[0].isContentEditable;
  const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
  if (isTyping || hasModifier || !areOn()) return;
  const act = shortcuts[event.key];
  if (!act) return;
  if ($('dialog[open]') && !IN_DIALOGS.includes(event.key)) return;
  event.preventDefault();
  act();
});
