// The bench: a form that is tried while it is being filled in. Without this file its fields are plain ones.
import * as cm from './codemirror-6.43.min.js';

const form = document.getElementById('bench');
const editors = [];

// The mail goes into a new frame each time: a frame that is led somewhere else would fill the browser's history.
function showMail() {
  const frame = form.querySelector('iframe[data-mail]');
  if (!frame || frame.dataset.shown) return;
  frame.dataset.shown = 'yes';
  const { action, target } = form;
  Object.assign(form, { action: frame.dataset.mail, target: frame.name });
  form.submit(); // nobody pressed anything: no event
  Object.assign(form, { action, target });
}

// Colours are the page's own properties, so that light and dark need nothing more.
const look = cm.EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'var(--sheet)', fontSize: '.82rem' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '22px', maxBlockSize: '34rem', overflow: 'auto' },
  '.cm-content': { paddingBlock: '8px', caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { color: 'var(--ink-2)', backgroundColor: 'var(--sunk)', border: '0' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--accent) 7%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { background: 'color-mix(in srgb, var(--accent) 24%, transparent)' },
  '.cm-tooltip': { color: 'var(--ink)', backgroundColor: 'var(--sheet)', border: '1px solid var(--edge)', borderRadius: 'var(--r-sm)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { color: 'var(--on-accent)', background: 'var(--accent)' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--failed-bar)' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--failed-bar)' }, // its own are data: images
  '.cm-lint-marker-error': { content: '""', inlineSize: '8px', blockSize: '8px', margin: '7px 3px', borderRadius: '50%', backgroundColor: 'var(--failed-bar)' },
});
const { tags } = cm;
const colours = cm.HighlightStyle.define([
  { tag: [tags.tagName, tags.angleBracket], color: 'var(--ink-2)' },
  { tag: [tags.variableName, tags.propertyName, tags.function(tags.variableName)], color: 'var(--accent)' },
  { tag: [tags.keyword, tags.brace, tags.operator, tags.operatorKeyword], color: 'var(--unconfirmed-c)' },
  { tag: [tags.string, tags.attributeValue, tags.number], color: 'var(--sent-c)' },
  { tag: tags.comment, color: 'var(--ink-2)', fontStyle: 'italic' },
]);

const names = () => [...form.querySelectorAll('[data-variable]')].map(button => button.dataset.variable);
const complete = context => {
  const word = context.matchBefore(/[\w.]+/);
  return word || context.explicit ? { from: word?.from ?? context.pos, options: names().map(label => ({ label, type: 'variable' })) } : null;
};

function edit(area) {
  const box = document.createElement('div'), root = box.attachShadow({ mode: 'open' });
  area.before(box);
  box.addEventListener('input', event => event.stopPropagation()); // the field below says what has changed
  area.hidden = true;
  const label = form.querySelector(`label[for=${area.id}]`);
  const language = area.dataset.editor === 'html' ? cm.jinja({ base: cm.html() }) : cm.jinja();
  const view = new cm.EditorView({
    root, // within it style sheets are made by script alone: the page's policy allows no other
    parent: root,
    doc: area.value,
    extensions: [
      cm.lineNumbers(), cm.history(), cm.drawSelection(), cm.bracketMatching(), cm.closeBrackets(), cm.highlightActiveLine(),
      cm.highlightActiveLineGutter(), cm.lintGutter(), cm.autocompletion({ override: [complete] }), language, look,
      cm.syntaxHighlighting(colours), cm.EditorView.lineWrapping, cm.EditorState.readOnly.of(area.matches(':disabled')),
      cm.keymap.of([...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.defaultKeymap, ...cm.historyKeymap]),
      cm.EditorView.contentAttributes.of({ 'aria-label': label.textContent, spellcheck: 'false' }),
      cm.EditorView.updateListener.of(update => {
        if (!update.docChanged) return;
        area.value = update.state.doc.toString();
        area.dispatchEvent(new Event('input', { bubbles: true }));
      }),
    ],
  });
  label.addEventListener('click', () => view.focus());
  editors.push({ view, where: area.closest('[data-where]').dataset.where });
}

// What is wrong stands at its line, too.
function mark() {
  for (const { view, where } of editors) {
    const found = [...form.querySelectorAll('.note[data-where]')].filter(note => note.dataset.where === where && note.dataset.line);
    const { doc } = view.state;
    view.dispatch(cm.setDiagnostics(view.state, found.map(note => {
      const line = doc.line(Math.min(doc.lines, Number(note.dataset.line)));
      return { from: line.from, to: line.to, severity: 'error', message: note.dataset.problem };
    })));
  }
}

let last = null; // where a pressed variable goes: the field that had the focus last
form.addEventListener('focusin', event => {
  const editor = editors.find(({ view }) => event.target.shadowRoot?.contains(view.dom));
  if (editor || event.target.matches('#subject, #file_name')) last = editor?.view ?? event.target;
});
form.addEventListener('click', event => {
  const name = event.target.closest('[data-variable]')?.dataset.variable;
  const into = last ?? editors[0]?.view ?? form.querySelector('#subject');
  if (!name || !into) return;
  const text = `{{ ${name} }}`;
  if (into instanceof HTMLInputElement) {
    into.setRangeText(text, into.selectionStart, into.selectionEnd, 'end');
    into.dispatchEvent(new Event('input', { bubbles: true }));
  } else {
    into.dispatch(into.state.replaceSelection(text));
  }
  into.focus();
});
form.addEventListener('change', event => {
  if (event.target.name === 'width') form.querySelector('.mail-frame').classList.toggle('phone', event.target.value === 'phone');
});
document.addEventListener('htmx:after:swap', () => (showMail(), mark()));
for (const area of form.querySelectorAll('textarea[data-editor]')) edit(area);
showMail();
mark();
