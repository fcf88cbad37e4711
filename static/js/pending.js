// What shows that a request is under way: the button says what it does, a list that is being loaded is dimmed
// (app.css, after a moment).
import { LIST } from './dom.js';
import { isPoll } from './connection.js';

let pressed = null; // the button that sent a form last

function showWorking(source, button) {
  const label = button.lastChild;
  const word = label.textContent;
  button.setAttribute('aria-disabled', 'true');
  label.textContent = button.dataset.working;
  const showWordAgain = () => { // the answer may be a question, which can be cancelled
    button.removeAttribute('aria-disabled');
    button.lastChild.textContent = word;
  };
  source.addEventListener('htmx:finally:request', showWordAgain, { once: true });
}

document.addEventListener('submit', event => { pressed = event.submitter; }, { capture: true });

// Enter in a field with data-presses presses that button, not the first of the form.
document.addEventListener('keydown', event => {
  const id = event.target.dataset?.presses;
  if (!id || event.key !== 'Enter' || event.isComposing) return;
  event.preventDefault();
  document.getElementById(id).click();
});

document.addEventListener('htmx:before:request', event => {
  const { ctx } = event.detail;
  const source = ctx.sourceElement;
  const isPressed = pressed?.dataset.working && pressed.form === source;
  if (isPressed) showWorking(source, pressed);
  else if (source.matches('button[data-working]')) showWorking(source, source); // it sends its form itself
  if (ctx.target?.matches?.(LIST) && !isPoll(ctx)) ctx.target.classList.add('loading');
});

document.addEventListener('htmx:finally:request', event => {
  event.detail.ctx.target?.classList?.remove('loading');
});
