// The connection to the server. A page in a hidden tab does not poll. When the server does not answer, a
// notice says so until it does.
import { $ } from './dom.js';

/** Whether a request is one of the page's polls. */
export function isPoll(context) {
  return context.sourceElement.matches('#poller, #result-poller');
}

// A poll that gets no answer is harmless; a press without one may or may not have had its effect.
function showNotice(context) {
  const notice = $(isPoll(context) ? 'template.lost' : 'template.undone');
  const isShown = notice && $(`#strip .${notice.className}`);
  if (notice && !isShown) $('#strip').replaceChildren(notice.content.cloneNode(true));
}

function removeNotice() {
  $('#strip .lost, #strip .undone')?.remove();
}

document.addEventListener('htmx:before:request', event => {
  if (isPoll(event.detail.ctx) && document.hidden) event.preventDefault();
});

document.addEventListener('htmx:after:request', event => {
  const { ctx } = event.detail;
  if (ctx.response.status >= 500) showNotice(ctx);
  else removeNotice();
});

document.addEventListener('htmx:error', event => {
  const { ctx, error } = event.detail;
  if (ctx && error?.name !== 'AbortError') showNotice(ctx);
});
