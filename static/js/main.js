// What HTML and htmx cannot do. Every page works without these scripts.
//
// A module script runs once the page is parsed, and after htmx, which comes first in the page. Each module
// listens to the document for its own subject. What must happen in a certain order after a swap is listed
// here.
import { addTokens } from './address-tokens.js';
import { scrollToChosen } from './cluster-tree.js';
import './connection.js';
import './copy.js';
import { showNewDialogs } from './dialogs.js';
import './drop.js';
import './expired-login.js';
import { fitMails } from './mail-frames.js';
import { restoreFocus } from './focus.js';
import './menus.js';
import './palette.js';
import './pending.js';
import './printing.js';
import './refresh.js';
import { closeQuestion } from './run-dialog.js';
import { updateBulkBar } from './selection.js';
import './shortcuts.js';
import { keepNewestToast } from './toasts.js';
import './unsaved.js';

const PARTS_WITH_FIELDS = ['dialog', 'new-run', 'clusters'];

function prepareFields() {
  scrollToChosen();
  addTokens();
}

document.addEventListener('htmx:after:swap', event => {
  const target = event.detail.ctx.target?.id;
  showNewDialogs(); // first: the focus is not lost while a dialog is open
  restoreFocus();
  keepNewestToast();
  updateBulkBar();
  fitMails();
  if (target === 'new-run') closeQuestion();
  if (PARTS_WITH_FIELDS.includes(target)) prepareFields();
});

updateBulkBar();
fitMails();
prepareFields();
