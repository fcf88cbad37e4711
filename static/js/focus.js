// The focus is never lost: when the element that had it is gone after a swap, the table gets it.
import { $, LIST } from './dom.js';

let pagerUsed = false; // the swap shows another page of a list
let hadFocus = false; // an element had the focus before the swap
let focusedId = ''; // its id, if it has one

/** Whether no element has the focus. */
export function isFocusLost() {
  return document.activeElement === document.body && !$('dialog[open]');
}

/** Moves the focus to the table of the page, or to its main part when it has none. */
export function focusTable({ scroll = false } = {}) {
  const place = $(`${LIST} table`) ?? $('#main');
  place?.focus({ preventScroll: !scroll });
}

/** To be called after each swap. */
export function restoreFocus() {
  if (pagerUsed) focusTable({ scroll: true }); // the next page is read from its top
  else if (hadFocus && isFocusLost()) (document.getElementById(focusedId) ?? document.body).focus();
  if (!pagerUsed && hadFocus && isFocusLost()) focusTable();
  pagerUsed = false;
}

document.addEventListener('htmx:before:swap', event => {
  pagerUsed = event.detail.ctx.sourceElement.matches('[data-turns]');
  hadFocus = document.activeElement !== document.body;
  focusedId = document.activeElement?.id ?? '';
});
