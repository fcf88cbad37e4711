// Frames that show a mail become as high as it is. The frame has no rights at all, so nothing can look into it:
// the same mail is laid out in a second frame, which is not seen, and runs no script either, but may be measured.
// Without this script the height is guessed (webapp/mailing/parsed_mail.py).
import { $$ } from './dom.js';

const HEIGHT_MAX = 30000;

function measure(frame) {
  const twin = document.createElement('iframe');
  twin.className = 'measure';
  twin.setAttribute('sandbox', 'allow-same-origin');
  twin.setAttribute('aria-hidden', 'true');
  twin.tabIndex = -1;
  const url = new URL(frame.src);
  url.searchParams.set('measure', '1');
  twin.src = url.href;
  const fit = () => {
    const root = twin.contentDocument?.documentElement;
    if (!root || !twin.contentDocument.URL.startsWith(url.origin)) return;
    twin.style.inlineSize = `${frame.clientWidth}px`;
    frame.height = Math.min(root.scrollHeight, HEIGHT_MAX);
  };
  twin.addEventListener('load', fit);
  let width = 0;
  new ResizeObserver(() => {
    if (frame.clientWidth === width) return; // it was the height
    width = frame.clientWidth;
    fit();
  }).observe(frame);
  frame.after(twin);
}

/** Measures the mails on the page that are not measured yet. */
export function fitMails() {
  for (const frame of $$('iframe.mail[src]:not([data-fits])')) {
    frame.dataset.fits = '';
    measure(frame);
  }
}
