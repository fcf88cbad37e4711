// A menu closes when something else is pressed.
import { $$ } from './dom.js';

document.addEventListener('click', event => {
  for (const menu of $$('details.menu[open]')) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
