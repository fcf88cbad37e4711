// What scripts say, in the language of the reader (webapp/web/assets.py).
import { $ } from './dom.js';

const texts = JSON.parse($('#texts')?.textContent ?? '{}');

/** The text of this name, with its %(named)s values. */
export function say(name, values = {}) {
  return (texts[name] ?? name).replace(/%\((\w+)\)s/g, (whole, value) => values[value] ?? whole);
}
