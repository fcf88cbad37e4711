// A login that has ended while a page was open: the password is asked for over the page, and the person goes on
// with what was typed. Without this script the login page hands the form back.
import { $, $$ } from './dom.js';
import { isPoll } from './connection.js';
import { showNewDialogs } from './dialogs.js';
import { say } from './texts.js';

const template = $('template.log-in-again');
const person = template?.dataset.user; // whose page this is
const AGAIN_SECONDS = 10;

let pressed = null; // the form that was sent last, and its button
let interrupted = null; // the same, when the answer was that the login has ended
const maySend = new WeakSet(); // forms of which it is known that the login holds
const asking = new WeakSet();
const sentAgain = new WeakMap(); // form → when it was sent again by itself

const askedFor = () => $('dialog form.log-in-again');

async function loginNow() {
  const answer = await fetch('/login/state', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error('no answer');
  return answer.json();
}

// The token against forged requests belongs to a login: a new one replaces it wherever the page has it.
function renewTokens(token) {
  for (const field of $$('input[name=csrf_token]')) field.value = token;
  document.body.setAttribute('hx-headers:inherited', JSON.stringify({ 'X-CSRFToken': token }));
}

function goOn() {
  const { form, button } = interrupted ?? {};
  interrupted = null;
  if (!form?.isConnected || Date.now() - (sentAgain.get(form) ?? 0) < AGAIN_SECONDS * 1000) return;
  sentAgain.set(form, Date.now());
  form.requestSubmit(button?.isConnected ? button : null);
}

/** Asks for the password, unless the person has logged in again elsewhere: then the page goes on. */
async function ask() {
  if (askedFor()) return;
  const now = await loginNow();
  if (now.user === person) {
    renewTokens(now.csrf_token);
    goOn();
    return;
  }
  if (askedFor()) return;
  document.body.append(template.content.cloneNode(true));
  const form = askedFor();
  form.elements.csrf_token.value = now.csrf_token;
  if (now.user) {
    const other = $('[data-other]', form);
    other.hidden = false;
    other.textContent = say('other login', { user: now.user });
  }
  showNewDialogs();
}

// A person who signs in elsewhere does so in another tab, and comes back.
async function lookAgain() {
  const dialog = askedFor()?.closest('dialog');
  if (!dialog) return;
  const now = await loginNow().catch(() => null);
  if (now?.user !== person || !dialog.isConnected) return;
  dialog.close();
  renewTokens(now.csrf_token);
  goOn();
}

async function logIn(form) {
  const wrong = $('#again-wrong', form);
  try {
    const answer = await fetch(form.getAttribute('action'), { method: 'POST', body: new FormData(form) });
    const said = await answer.json();
    if (answer.ok) {
      form.closest('dialog').close();
      renewTokens(said.csrf_token);
      goOn();
      return;
    }
    wrong.textContent = said.problem;
    if (said.needs_code) {
      $('[data-second-step]', form).hidden = false;
      form.elements.code.select();
      return;
    }
  } catch {
    wrong.textContent = say('no answer');
  }
  form.elements.password.select();
}

// A form that leads to another page would take what was typed with it, so the login is looked at first.
async function sendIfLoggedIn(form, button) {
  const now = await loginNow().catch(() => null); // without an answer the browser says what is wrong
  asking.delete(form);
  if (now && now.user !== person) {
    interrupted = { form, button };
    ask();
    return;
  }
  if (now) renewTokens(now.csrf_token);
  maySend.add(form);
  form.requestSubmit(button);
}

document.addEventListener('submit', event => {
  pressed = { form: event.target, button: event.submitter };
}, { capture: true });

document.addEventListener('submit', event => {
  const { target: form, submitter: button } = event;
  if (form.matches('.log-in-again')) {
    event.preventDefault();
    logIn(form);
    return;
  }
  const leads = form.getAttribute('method') === 'post' && form.getAttribute('action') !== '/logout';
  if (!person || event.defaultPrevented || !leads || maySend.delete(form)) return;
  event.preventDefault();
  if (asking.has(form)) return;
  asking.add(form);
  sendIfLoggedIn(form, button);
});

document.addEventListener('htmx:after:request', event => {
  const { ctx } = event.detail;
  if (!person || !ctx.response.headers.get('X-Mailrun-Login')) return;
  if (!isPoll(ctx) && pressed?.form === ctx.sourceElement) interrupted = pressed;
  ask();
});

addEventListener('focus', lookAgain);

document.addEventListener('htmx:before:request', event => {
  if (askedFor() && isPoll(event.detail.ctx)) event.preventDefault();
});

document.addEventListener('click', event => {
  if (!person || !event.target.closest('[data-log-in-again]')) return;
  event.preventDefault();
  ask();
});
