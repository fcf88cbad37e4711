// The tree of clusters in the form of a new run. A choice in the tree fills the field above it, and text
// typed there clears the choice: both in the capture phase, before htmx reads the form.
import { $, $$ } from './dom.js';

const PICKS = '.tree [type=radio]';

/** Scrolls the tree, not the page, until the chosen cluster can be seen. */
export function scrollToChosen() {
  const tree = $('.tree');
  const chosen = tree && $(':checked', tree);
  if (!chosen) return;
  const hiddenBelow = chosen.getBoundingClientRect().bottom - tree.getBoundingClientRect().bottom;
  if (hiddenBelow > 0) tree.scrollTop += hiddenBelow + 40;
}

document.addEventListener('change', event => {
  if (event.target.matches(PICKS)) $('#cluster').value = event.target.value;
}, { capture: true });

document.addEventListener('input', event => {
  if (event.target.id !== 'cluster') return;
  for (const pick of $$(PICKS)) pick.checked = false;
}, { capture: true });

// The arrow keys move the focus as in any tree. Those of radio buttons would choose a cluster with each step.
document.addEventListener('keydown', event => {
  const pick = event.target.closest(PICKS);
  if (!pick || !event.key.startsWith('Arrow')) return;
  event.preventDefault();
  const picks = $$(PICKS);
  const here = picks.indexOf(pick);
  const branch = pick.closest('li');
  const toggle = $(':scope > .tree-row > .tree-toggle', branch);
  const isOpen = toggle?.ariaExpanded === 'true';
  switch (event.key) {
    case 'ArrowDown':
      picks[here + 1]?.focus();
      break;
    case 'ArrowUp':
      picks[here - 1]?.focus();
      break;
    case 'ArrowRight': // to the first child, or open
      if (isOpen) picks[here + 1].focus();
      else toggle?.click();
      break;
    case 'ArrowLeft': // close, or to the parent
      if (isOpen) toggle.click();
      else $(':scope > .tree-row [type=radio]', branch.parentElement.closest('li') ?? branch).focus();
      break;
  }
});
