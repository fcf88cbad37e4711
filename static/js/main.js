// What HTML and htmx cannot do. Every page works without this file.
const $ = (query, within = document) => within.querySelector(query);
const $$ = (query, within = document) => [...within.querySelectorAll(query)];

// Dialogs. A link with data-dialog opens its page over this one, where there is room. An answer's dialog is shown
// when it arrives; with a data-url it has its own address while it is open.
const roomy = matchMedia('(min-width: 761px)');
let under = null; // the page below the dialog that has an address: its own address and title, and what opened the dialog
let stays = false; // going back in the history closes a dialog: the page below is still here

document.addEventListener('click', event => {
  const link = event.target.closest('a[data-dialog]');
  if (!link || !roomy.matches || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const opener = link.closest('dialog') ? under?.opener : link;
  htmx.ajax('GET', link.href, { source: '#dialog', target: '#dialog', swap: 'innerHTML' }).then(() => under && (under.opener = opener));
});

function show() {
  for (const dialog of $$('dialog[data-modal]').filter(dialog => !dialog.shown)) {
    dialog.shown = true; // once: a closed one may still be here when the next answer comes
    if (dialog.dataset.url) {
      const change = under ? 'replaceState' : 'pushState';
      under ??= { url: location.href, title: document.title };
      history[change]({ htmx: true }, '', dialog.dataset.url);
    } else {
      dialog.opener = document.activeElement;
    }
    dialog.addEventListener('close', () => closed(dialog));
    dialog.showModal();
  }
  if (under && $('#dialog dialog')) document.title = $('#dialog dialog').dataset.title + ' · Mailrun';
  toastsTo($$('dialog[open]').at(-1));
}

// Whatever lies under a dialog cannot be reached: toasts are in the uppermost one, and leave before it goes.
function toastsTo(place = document.body) {
  const box = $('#toasts');
  if (box && box.parentNode !== place) place.append(box);
}

function closed(dialog) {
  toastsTo($$('dialog[open]').at(-1));
  dialog.remove();
  if (!dialog.dataset.url) return dialog.opener?.focus();
  const { title, opener, left } = under;
  under = null;
  stay();
  if (!left) history.back();
  document.title = title;
  const shown = dialog.dataset.url.match(/results\/(\d+)/)?.[1]; // focus goes to the row of the result shown last
  const back = () => {
    const places = [$('#to-' + shown), opener?.isConnected ? opener : null, opener?.id && document.getElementById(opener.id)];
    const place = places.find(place => place);
    place ? place.focus() : land();
  };
  back();
  window.navigation?.addEventListener('navigatesuccess', back, { once: true }); // going back takes the focus away
}

function stay() {
  stays = true;
  setTimeout(() => (stays = false), 500);
}

addEventListener('popstate', () => {
  if (!under) return;
  under.left = true;
  $('#dialog dialog').close();
});
document.addEventListener('htmx:before:history:restore', event => {
  if (stays) event.preventDefault();
  stays = false;
});
document.addEventListener('click', event => {
  const button = event.target.closest('[data-close]');
  button?.closest('.toast, .note, dialog')?.[button.closest('.toast, .note') ? 'remove' : 'close']();
  const opens = event.target.closest('[data-open]');
  if (opens) document.getElementById(opens.dataset.open).showModal();
});

// After a press the page looks for what has changed; what is ticked, typed or open stays as it is.
let pressed = null;
document.addEventListener('submit', event => (pressed = event.submitter), true);
document.addEventListener('changed', () => {
  for (const dialog of $$('#ask dialog')) dialog.close();
  if (pressed?.closest('.bulk') || pressed?.closest('dialog.ask')) untick();
  look();
});

function here() {
  const { pathname, search } = new URL(under?.url ?? location.href);
  return pathname + search;
}
async function look() {
  const hadFocus = document.activeElement !== document.body;
  await htmx.ajax('GET', here(), { target: '#main', select: '#main', swap: 'outerMorph ignoreTitle:true' });
  if (hadFocus && isLost()) land();
}
document.addEventListener('htmx:before:swap', event => { // what was pressed meanwhile leads elsewhere: it looks there
  const { ctx } = event.detail;
  if (ctx.sourceElement !== document.body || ctx.request.action === here()) return;
  event.preventDefault();
  look();
});

// Toasts: one at a time, gone by themselves unless the pointer or the focus is on them.
function fade(toast) {
  setTimeout(() => (toast.matches(':hover, :focus-within') ? fade(toast) : toast.remove()), 15000);
}
function toasts() {
  const all = $$('#toasts .toast');
  for (const old of all.slice(0, -1)) old.remove();
  const last = all.at(-1);
  if (last && !last.seen) fade(last);
  if (last) last.seen = true;
}
function say(words) {
  const toast = document.createElement('div');
  toast.className = 'toast';
  toast.textContent = words;
  $('#toasts').append(toast);
  toasts();
}

// The focus is never lost: when what had it has gone, it goes to the table.
let turned = false, held = false; // the next page was asked for; something had the focus before the swap
const isLost = () => document.activeElement === document.body && !$('dialog[open]');
const land = scroll => ($(':is(#results, #runs) table') ?? $('#main'))?.focus({ preventScroll: !scroll });

// Selection: the bulk bar follows the ticks, the header box shows the mixed state.
const boxes = () => $$('#results tbody input[type=checkbox]');

function count() {
  const form = $('#results'), bulk = form && $('.bulk', form);
  if (!bulk) return;
  const ticked = boxes().filter(box => box.checked).length, all = $('#all', form), whole = $('input[name=all]', form);
  if (all) {
    all.checked = ticked > 0 && ticked === boxes().length;
    all.indeterminate = ticked > 0 && !all.checked;
  }
  if (whole && ticked < boxes().length) whole.remove(); // one taken out: no longer everything that matches
  if ($('input[name=all]', form)) return;
  bulk.hidden = ticked === 0;
  $('#picked', bulk).textContent = ticked + ' selected';
  const rows = boxes().filter(box => box.checked).map(box => box.closest('tr'));
  for (const n of $$('[data-count]', bulk)) { // a row without the button is not counted
    n.textContent = rows.filter(row => $(`[formaction$="/${n.dataset.count}"]`, row)).length;
  }
}

function untick() {
  $('#results input[name=all]')?.remove();
  for (const box of boxes()) box.checked = false;
  count();
}

document.addEventListener('change', event => {
  if (event.target.id === 'all') for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.closest('#results')) count();
});
document.addEventListener('reset', () => setTimeout(() => (untick(), land()))); // the bar goes, and its button with it
document.addEventListener('htmx:before:swap', event => {
  const { target, sourceElement } = event.detail.ctx;
  const other = target?.id === 'results' && !sourceElement.matches('[data-keeps]');
  if (other && boxes().some(box => box.checked)) say('The list has changed: nothing is selected any more.');
  turned = sourceElement.matches('[data-turns]');
  held = document.activeElement !== document.body;
  if (target?.matches?.('#dialog, #ask')) toastsTo();
});
document.addEventListener('htmx:after:swap', () => {
  show();
  if (turned || (held && isLost())) land(turned); // the next page is read from its top
  turned = false;
  toasts();
  count();
});
document.addEventListener('DOMContentLoaded', count);
addEventListener('pageshow', count);

// Live: a page in a hidden tab asks nothing; a server that does not answer is told until it does.
const isPoll = context => context.sourceElement.matches('#poller, #result-poller');

function lost(isLost, context) {
  const words = $('template.' + (isPoll(context) ? 'lost' : 'undone'));
  if (isLost && words && !$('#strip .' + words.className)) $('#strip').replaceChildren(words.content.cloneNode(true));
  if (!isLost) $('#strip .lost, #strip .undone')?.remove();
}

document.addEventListener('htmx:before:request', event => {
  if (isPoll(event.detail.ctx) && document.hidden) event.preventDefault();
});
document.addEventListener('htmx:after:request', event => lost(event.detail.ctx.response.status >= 500, event.detail.ctx));
document.addEventListener('htmx:error', event => {
  const { ctx, error } = event.detail;
  if (ctx && error?.name !== 'AbortError') lost(true, ctx);
});

// Whoever waits sees so: the button says what it does, a list that comes is dimmed (app.css, after a moment).
document.addEventListener('htmx:before:request', event => {
  const { sourceElement, target } = event.detail.ctx;
  const button = sourceElement.dataset?.working && $('button', sourceElement);
  if (button) {
    const word = button.lastChild.textContent;
    button.setAttribute('aria-disabled', 'true');
    button.lastChild.textContent = sourceElement.dataset.working;
    sourceElement.addEventListener('htmx:finally:request', () => { // a question may come instead, and be cancelled
      button.removeAttribute('aria-disabled');
      button.lastChild.textContent = word;
    }, { once: true });
  }
  if (target?.matches?.('#results, #runs') && !isPoll(event.detail.ctx)) target.classList.add('loading');
});
document.addEventListener('htmx:finally:request', event => event.detail.ctx.target?.classList?.remove('loading'));

// Menus close when something else is pressed.
document.addEventListener('click', event => {
  for (const menu of $$('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
});

// Keyboard: single keys, never while typing, and not at all when turned off in the account page.
const shortcuts = {
  '/': () => $('input[type=search]')?.focus(),
  'j': () => step(1),
  'k': () => step(-1),
  'x': () => tick(false),
  'X': () => tick(true),
  'n': () => ($('a[href="/runs/new"]') ?? { click: () => (location.href = '/runs/new') }).click(),
  'u': () => $('#toasts form button')?.click(),
  '?': () => $('#keys')?.showModal(),
};
let lastTicked = null;

function step(by) {
  const drawer = $('dialog[open]') ?? ($('#results, #runs') ? null : document);
  if (drawer) return $(by > 0 ? 'a[rel=next]' : 'a[rel=prev]', drawer)?.click();
  const rows = $$(':is(#results, #runs) tbody tr'), at = rows.indexOf(document.activeElement.closest('tr'));
  $('a.row-title', rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))] ?? document.createElement('p'))?.focus();
}

function tick(range) {
  const row = document.activeElement.closest('#results tbody tr'), box = row && $('input[type=checkbox]', row);
  if (!box) return;
  const all = boxes(), from = range && lastTicked?.isConnected ? all.indexOf(lastTicked) : all.indexOf(box), to = all.indexOf(box);
  const on = range && lastTicked ? lastTicked.checked : !box.checked;
  for (const each of all.slice(Math.min(from, to), Math.max(from, to) + 1)) each.checked = on;
  lastTicked = box;
  count();
}

document.addEventListener('keydown', event => {
  const typing = event.target.matches('input:not([type=checkbox], [type=radio]), textarea, select, [role=tree] *') || event.composedPath()[0].isContentEditable;
  if (typing || event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem('shortcuts') === 'off') return;
  const act = shortcuts[event.key];
  if (!act || ($('dialog[open]') && !'jku'.includes(event.key))) return;
  event.preventDefault();
  act();
});
document.addEventListener('DOMContentLoaded', () => {
  const choice = $('#shortcuts');
  if (!choice) return;
  choice.checked = localStorage.getItem('shortcuts') !== 'off';
  choice.addEventListener('change', () => localStorage.setItem('shortcuts', choice.checked ? 'on' : 'off'));
});

// The run dialog. A changed choice is no longer what the preview showed: its fingerprint goes until the new numbers come.
function forget() {
  const fingerprint = $('#fingerprint');
  if (fingerprint) fingerprint.value = '';
}
function mended(field) {
  field.removeAttribute('aria-invalid');
  document.getElementById(field.id + '-bad')?.remove();
}
for (const kind of ['input', 'change']) document.addEventListener(kind, event => {
  if (event.target.closest('#choice')) (forget(), mended(event.target));
});
document.addEventListener('click', event => event.target.closest('dialog a[data-close]') && event.preventDefault());
document.addEventListener('htmx:after:swap', event => {
  if (event.detail.ctx.target?.id === 'new-run') for (const dialog of $$('#ask dialog')) dialog.close();
});

// The tree fills the field; what is typed in the field is no longer what is ticked in the tree. Both before htmx looks.
document.addEventListener('change', event => {
  if (event.target.matches('.tree [type=radio]')) $('#cluster').value = event.target.value;
}, true);
document.addEventListener('input', event => {
  if (event.target.id === 'cluster') for (const radio of $$('.tree [type=radio]')) radio.checked = false;
}, true);
document.addEventListener('keydown', event => {
  const radio = event.target.closest('.tree [type=radio]'), by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!radio || !event.key.startsWith('Arrow')) return;
  event.preventDefault();
  const all = $$('.tree [type=radio]'), twig = radio.closest('li'), button = $(':scope > .tree-row > .tree-toggle', twig);
  const isOpen = button?.ariaExpanded === 'true';
  if (by) all[all.indexOf(radio) + by]?.focus();
  else if (event.key === 'ArrowRight') isOpen ? all[all.indexOf(radio) + 1].focus() : button?.click();
  else isOpen ? button.click() : $(':scope > .tree-row [type=radio]', twig.parentElement.closest('li') ?? twig).focus();
});

// Tokens: one field of addresses with commas, shown as one token each. The field that is sent stays the same.
function tokens(field) {
  const entry = field.cloneNode(), box = document.createElement('div');
  const all = () => $$('.token', box).map(token => token.firstChild.data);
  const keep = () => (field.value = [...all(), ...entry.value.split(/[,;\s]+/)].filter(Boolean).join(', '));
  const tell = () => (keep(), mended(entry), field.dispatchEvent(new Event('change', { bubbles: true })));
  const take = text => text.split(/[,;\s]+/).filter(one => one && !all().includes(one)).forEach(one => {
    const token = document.createElement('span'), button = document.createElement('button'), icon = $('#new-run .token-icon');
    token.className = 'token';
    Object.assign(button, { type: 'button', ariaLabel: 'Take out ' + one, onclick: () => (token.remove(), entry.focus(), tell()) });
    button.append(icon.content.cloneNode(true));
    token.append(one, button);
    entry.before(token);
  });
  box.className = 'tokens';
  entry.className = '';
  entry.removeAttribute('name');
  entry.removeAttribute('value');
  entry.placeholder = field.dataset.tokens;
  field.type = 'hidden';
  field.removeAttribute('id');
  field.before(box);
  box.append(entry);
  take(field.value);
  entry.value = '';
  const enter = () => (take(entry.value), (entry.value = ''), tell());
  entry.addEventListener('input', () => /[,;\s]/.test(entry.value) ? enter() : keep());
  entry.addEventListener('change', event => (event.stopPropagation(), entry.value && enter()));
  entry.addEventListener('keydown', event => {
    if (event.key === 'Enter' && entry.value) (event.preventDefault(), enter());
    if (event.key === 'Backspace' && !entry.value) $$('.token', box).at(-1)?.lastChild.click();
  });
  if (field.autofocus && document.activeElement !== entry) entry.focus();
}
function dress() {
  const tree = $('.tree'), chosen = tree && $(':checked', tree)?.getBoundingClientRect(), seen = tree?.getBoundingClientRect();
  if (chosen && chosen.bottom > seen.bottom) tree.scrollTop += chosen.bottom - seen.bottom + 40;
  for (const field of $$('input[data-tokens][name]:not([type=hidden])')) tokens(field);
}
document.addEventListener('DOMContentLoaded', dress);
document.addEventListener('htmx:after:swap', event => /^(dialog|new-run|clusters)$/.test(event.detail.ctx.target?.id) && dress());

// The result drawer.
document.addEventListener('click', async event => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  const copied = await navigator.clipboard?.writeText(button.dataset.copy).then(() => true, () => false);
  say(copied ? 'Copied.' : 'The browser does not allow copying here. Select the text instead.');
});
