// The form of a new run, as a page and as a dialog.
import { $, $$ } from './dom.js';

/** Removes what the server found wrong with a field: the person is changing it. */
export function clearError(field) {
  field.removeAttribute('aria-invalid');
  document.getElementById(field.id + '-bad')?.remove();
}

/** Closes the question over the form, which the answer has replaced. */
export function closeQuestion() {
  for (const dialog of $$('#ask dialog')) dialog.close();
}

// The preview no longer shows a changed choice. Without the preview's fingerprint the server knows that
// no one has seen its numbers; the next preview brings a new one.
function choiceChanged(event) {
  if (!event.target.closest('#choice')) return;
  const fingerprint = $('#fingerprint');
  if (fingerprint) fingerprint.value = '';
  clearError(event.target);
}

document.addEventListener('input', choiceChanged);
document.addEventListener('change', choiceChanged);
