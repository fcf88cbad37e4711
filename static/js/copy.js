// Buttons that copy a text, such as a Message-ID.
import { say } from './texts.js';
import { showToast } from './toasts.js';

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text); // there is no clipboard on a page without https
    return true;
  } catch {
    return false;
  }
}

document.addEventListener('click', async event => {
  const button = event.target.closest('[data-copy]');
  if (button) showToast(await copy(button.dataset.copy) ? say('copied') : say('not copied'));
});
