// Dialogs. A link with data-dialog opens its page in a dialog over this one if the window is wide enough. A
// dialog in an answer is shown when it arrives; with a data-url it has its own address while it is open.
import { $, $$ } from './dom.js';
import { focusTable } from './focus.js';
import { moveToastsTo } from './toasts.js';

const wideWindow = matchMedia('(min-width: 761px)');
const shownBefore = new WeakSet();

// The page below the dialog that has an address, or null: { url, title, opener, leftByHistory }.
let pageBelow = null;

// Closing such a dialog goes back in the history. The page below is still in place, so htmx must not load it.
let keepPageOnBack = false;

/** The address of the page itself, whatever dialog is open over it. */
export function pageAddress() {
  const { pathname, search } = new URL(pageBelow?.url ?? location.href);
  return pathname + search;
}

/** Shows the dialogs that an answer has brought. To be called after each swap. */
export function showNewDialogs() {
  for (const dialog of $$('dialog[data-modal]')) {
    if (shownBefore.has(dialog)) continue; // a closed one may still be in the page when the next one arrives
    shownBefore.add(dialog);
    const focused = document.activeElement;
    if (dialog.dataset.url) takeAddress(dialog.dataset.url);
    dialog.addEventListener('close', () => removeClosed(dialog, focused));
    dialog.showModal();
  }
  const addressed = $('#dialog dialog');
  if (pageBelow && addressed) document.title = addressed.dataset.title + ' · Mailrun';
  moveToastsTo(topDialog());
}

function topDialog() {
  return $$('dialog[open]').at(-1);
}

function takeAddress(url) {
  if (pageBelow) {
    history.replaceState({ htmx: true }, '', url);
  } else {
    pageBelow = { url: location.href, title: document.title };
    history.pushState({ htmx: true }, '', url);
  }
}

function removeClosed(dialog, focusedBefore) {
  moveToastsTo(topDialog());
  dialog.remove();
  if (dialog.dataset.url) returnToPageBelow(dialog.dataset.url);
  else focusedBefore?.focus();
}

function returnToPageBelow(dialogUrl) {
  const { title, opener, leftByHistory } = pageBelow;
  pageBelow = null;
  keepPageOnBack = true;
  setTimeout(() => { keepPageOnBack = false; }, 500);
  if (!leftByHistory) history.back();
  document.title = title;
  const focus = () => focusOpener(dialogUrl, opener);
  focus();
  // Once more when the browser has gone back, because that takes the focus away.
  window.navigation?.addEventListener('navigatesuccess', focus, { once: true });
}

// The focus goes to the row of the result that was shown last, else to what opened the dialog.
function focusOpener(dialogUrl, opener) {
  const resultId = dialogUrl.match(/results\/(\d+)/)?.[1];
  const place = $(`#to-${resultId}`) ?? stillInPage(opener);
  if (place) place.focus();
  else focusTable();
}

// The element, or the one with the same id that has replaced it.
function stillInPage(element) {
  if (element?.isConnected) return element;
  return element?.id ? document.getElementById(element.id) : null;
}

document.addEventListener('click', async event => {
  const link = event.target.closest('a[data-dialog]');
  const opensNewTab = event.ctrlKey || event.metaKey || event.shiftKey;
  if (!link || opensNewTab || !wideWindow.matches) return;
  event.preventDefault();
  const opener = link.closest('dialog') ? pageBelow?.opener : link;
  await htmx.ajax('GET', link.href, { source: '#dialog', target: '#dialog', swap: 'innerHTML' });
  if (pageBelow) pageBelow.opener = opener;
});

// Buttons that open a dialog of this page, and those that close a dialog or a message.
document.addEventListener('click', event => {
  const opens = event.target.closest('[data-open]');
  if (opens) document.getElementById(opens.dataset.open).showModal();

  const closes = event.target.closest('[data-close]');
  if (!closes) return;
  const message = closes.closest('.toast, .note');
  const dialog = closes.closest('dialog');
  if (message) message.remove();
  else dialog?.close();
  if (dialog && closes.matches('a')) event.preventDefault(); // without a dialog the link leads to its page
});

document.addEventListener('htmx:before:swap', event => {
  if (event.detail.ctx.target?.matches?.('#dialog, #ask')) moveToastsTo(document.body);
});

// Capture: before the listener of htmx, whichever of the two scripts was ready first.
addEventListener('popstate', () => {
  if (!pageBelow) return;
  pageBelow.leftByHistory = true;
  $('#dialog dialog').close();
}, { capture: true });

document.addEventListener('htmx:before:history:restore', event => {
  if (keepPageOnBack) event.preventDefault();
  keepPageOnBack = false;
});
