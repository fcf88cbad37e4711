// Find anything: Ctrl K opens the palette over any page. There and on the page Find, the arrow keys go from
// the box to the rows and back.
import { $, $$ } from './dom.js';

const BOX = '[data-finder] input[type=search]';

function open() {
  const palette = $('#palette');
  const ownBox = $(`main ${BOX}`); // the page is about finding already
  if (ownBox) {
    ownBox.focus();
    ownBox.select();
  } else if (palette && !palette.open) {
    palette.showModal();
    $(BOX, palette).select();
    if (!$(BOX, palette).value.trim()) $('#palette-found').dispatchEvent(new Event('recent')); // asks for "Recent"
  }
}

// The box and the rows that belong together, around this element; null elsewhere.
function finderAround(element) {
  const place = element.closest('#palette, section:has([data-finder])');
  return place && { box: $(BOX, place), rows: $$('[data-hits] li a', place), hits: $('[data-hits]', place) };
}

function move(finder, by) {
  const places = [finder.box, ...finder.rows];
  const wanted = places.indexOf(document.activeElement) + by;
  places[Math.max(0, Math.min(places.length - 1, wanted))].focus();
}

// Whether the rows on screen are those of the text in the box.
function areCurrent(finder) {
  return $('[data-shown]', finder.hits)?.dataset.shown === finder.box.value.trim();
}

document.addEventListener('keydown', event => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k' && $('#palette')) {
    event.preventDefault();
    open();
    return;
  }
  const finder = finderAround(event.target);
  if (!finder || event.ctrlKey || event.metaKey || event.altKey) return;
  const palette = event.target.closest('#palette');
  if (event.key === 'Escape' && palette) {
    event.preventDefault(); // or the first Escape empties the box, and only the second closes the palette
    palette.close();
    return;
  }
  const isInBox = event.target === finder.box;
  if (!isInBox && !finder.rows.includes(event.target)) return;
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    move(finder, event.key === 'ArrowDown' ? 1 : -1);
  } else if (event.key === 'Enter' && isInBox && finder.rows.length && areCurrent(finder)) {
    event.preventDefault();
    finder.rows[0].click();
  }
});

document.addEventListener('click', event => {
  const opensNewTab = event.ctrlKey || event.metaKey || event.shiftKey;
  if (!event.target.closest('a[data-palette]') || opensNewTab || !$('#palette')) return;
  event.preventDefault();
  open();
});
