// Buttons that copy a text, such as a Message-ID.
import { showToast } from './toasts.js';

const NOT_ALLOWED = 'The browser does not allow copying here. Select the text instead.';

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
  if (button) showToast(await copy(button.dataset.copy) ? 'Copied.' : NOT_ALLOWED);
});
