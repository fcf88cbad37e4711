// The list "To fix": the keys that go from row to row, and the button that counts what is filled in.
import { $, $$ } from './dom.js';
import { say } from './texts.js';

const ROWS = '[data-fixes] [data-row]';

/** Whether the page is the list "To fix". */
export function hasFixes() {
  return $(ROWS) !== null;
}

/** Goes to the next or the previous row. */
export function stepFix(by) {
  const rows = $$(ROWS);
  const current = rows.indexOf(document.activeElement.closest(ROWS));
  const wanted = current < 0 ? 0 : current + by;
  rows[Math.max(0, Math.min(rows.length - 1, wanted))]?.focus();
}

/** Ticks or unticks the row that has the focus. */
export function tickFix() {
  const box = $('input[type=checkbox]', document.activeElement.closest(ROWS) ?? document.createElement('p'));
  box?.click();
}

/** Leaves the row as it is, without what was typed into it, and goes to the next. */
export function skipFix() {
  const row = document.activeElement.closest(ROWS);
  for (const field of row ? $$('[data-sends]', row) : []) field.value = field.dataset.stored ?? '';
  countFilled();
  stepFix(1);
}

function countFilled() {
  for (const form of $$('[data-fixes]')) {
    const button = $('[data-save-all]', form);
    if (!button) continue;
    const filled = $$('[data-sends]', form).filter(field =>
      field.type === 'checkbox' ? field.checked : field.value.trim() && field.value !== field.dataset.stored);
    const mails = filled.reduce((sum, field) => sum + Number(field.dataset.sends), 0);
    const name = !filled.length ? 'save all' : !mails ? 'save' : mails === 1 ? 'save and send one' : 'save and send';
    button.textContent = say(name, { count: filled.length, mails });
  }
}

// Enter on a row goes into its field, or to its first button.
document.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || !event.target.matches(ROWS)) return;
  event.preventDefault();
  $('input:not([type=hidden], [type=checkbox]), button', event.target)?.focus();
});

document.addEventListener('input', event => {
  if (event.target.closest('[data-fixes]')) countFilled();
});

// After a save the next row of the same cause has the focus.
const saved = $('[data-fixes] .saved');
if (saved) $('[data-row]:not(.saved) input:not([type=hidden])', saved.closest('[data-fixes]'))?.focus();
countFilled();
