// A field of addresses with commas between them (data-tokens), shown as one token per address. The field that
// is sent stays the same, but hidden; a copy of it takes what is typed.
import { $, $$ } from './dom.js';
import { clearError } from './run-dialog.js';
import { say } from './texts.js';

const SEPARATORS = /[,;\s]+/;

/** Turns all such fields of the page that are still plain ones into tokens. */
export function addTokens() {
  for (const field of $$('input[data-tokens][name]:not([type=hidden])')) makeTokens(field);
}

function makeTokens(field) {
  const entry = makeEntry(field);
  const box = document.createElement('div');
  box.className = 'tokens';
  field.type = 'hidden';
  field.removeAttribute('id');
  field.before(box);
  box.append(entry);

  const addresses = () => $$('.token', box).map(token => token.firstChild.data);
  const copyToField = () => {
    field.value = [...addresses(), ...split(entry.value)].join(', ');
  };
  const changed = () => {
    copyToField();
    clearError(entry);
    field.dispatchEvent(new Event('change', { bubbles: true }));
  };
  const add = text => {
    const known = addresses();
    const added = split(text).filter(address => !known.includes(address));
    for (const address of added) entry.before(makeToken(address, remove));
  };
  const remove = token => {
    token.remove();
    entry.focus();
    changed();
  };
  const enter = () => {
    add(entry.value);
    entry.value = '';
    changed();
  };

  entry.addEventListener('input', () => {
    if (SEPARATORS.test(entry.value)) enter();
    else copyToField();
  });
  entry.addEventListener('change', event => {
    event.stopPropagation(); // the field tells of its own change
    if (entry.value) enter();
  });
  entry.addEventListener('keydown', event => {
    if (event.key === 'Enter' && entry.value) {
      event.preventDefault();
      enter();
    }
    if (event.key === 'Backspace' && !entry.value) $$('.token', box).at(-1)?.lastChild.click();
  });

  add(field.value);
  entry.value = '';
  if (field.autofocus && document.activeElement !== entry) entry.focus();
}

// The visible copy. It has the id, so that label and hint belong to it, but no name: it is not sent.
function makeEntry(field) {
  const entry = field.cloneNode();
  entry.className = '';
  entry.removeAttribute('name');
  entry.removeAttribute('value');
  entry.placeholder = field.dataset.tokens;
  return entry;
}

function makeToken(address, remove) {
  const token = document.createElement('span');
  token.className = 'token';
  const button = document.createElement('button');
  button.type = 'button';
  button.ariaLabel = say('take out', { address });
  button.addEventListener('click', () => remove(token));
  button.append($('#new-run .token-icon').content.cloneNode(true));
  token.append(address, button);
  return token;
}

function split(text) {
  return text.split(SEPARATORS).filter(Boolean);
}
