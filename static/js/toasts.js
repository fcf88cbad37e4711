// Toasts: short messages about what a press did. One is shown at a time, and it disappears by itself.
import { $, $$ } from './dom.js';

const SECONDS_SHOWN = 15;
const fading = new WeakSet();

/** Shows a message that comes from this page rather than from the server. */
export function showToast(words) {
  const toast = document.createElement('div');
  toast.className = 'toast';
  toast.textContent = words;
  $('#toasts').append(toast);
  keepNewestToast();
}

/** Removes all toasts but the newest, and lets that one fade. */
export function keepNewestToast() {
  const toasts = $$('#toasts .toast');
  const newest = toasts.pop();
  for (const older of toasts) older.remove();
  if (!newest || fading.has(newest)) return;
  fading.add(newest);
  fade(newest);
}

/**
 * Moves the toasts into a dialog, or back to the page. Nothing under an open dialog can be reached, so they
 * belong into the top one, and must leave it before it is removed.
 */
export function moveToastsTo(place = document.body) {
  const box = $('#toasts');
  if (box && box.parentNode !== place) place.append(box);
}

// A toast stays for as long as the pointer or the focus is on it.
function fade(toast) {
  setTimeout(() => {
    if (toast.matches(':hover, :focus-within')) fade(toast);
    else toast.remove();
  }, SECONDS_SHOWN * 1000);
}

// What sticks to the top of a scrolled page, such as the head of a table, sticks below the toast.
const box = $('#toasts');
if (box) new MutationObserver(makeRoom).observe(box, { childList: true });

function makeRoom() {
  const toast = box.closest('dialog') ? null : $('.toast', box);
  const bottom = toast ? toast.getBoundingClientRect().bottom + 5 : 0;
  document.documentElement.style.setProperty('--below-toast', `${bottom}px`);
}
makeRoom();
addEventListener('resize', makeRoom);
