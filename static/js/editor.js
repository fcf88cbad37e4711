// The form of a definition or template, which is tried on an invoice while it is being filled in: its editors
// of templates, the mail of the invoice, and the variables. Without this script its fields are plain ones.
import * as cm from '../codemirror-6.43.min.js';

const form = document.getElementById('bench');
const editors = []; // of each: its view, and which part of the template it holds, as problems name it

// The mail is loaded into a new frame each time: leading the old one to another address would fill the
// browser's history.
function showMail() {
  const frame = form.querySelector('iframe[data-mail]');
  if (!frame || frame.dataset.shown) return;
  frame.dataset.shown = 'yes';
  const { action, target } = form;
  form.action = frame.dataset.mail;
  form.target = frame.name;
  form.submit(); // sends no submit event: no button was pressed
  form.action = action;
  form.target = target;
}

// Colours are custom properties of the page, so that they follow its light and dark scheme.
const theme = cm.EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'var(--sheet)', fontSize: '.82rem' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '22px', maxBlockSize: '34rem', overflow: 'auto' },
  '.cm-content': { paddingBlock: '8px', caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { color: 'var(--ink-2)', backgroundColor: 'var(--sunk)', border: '0' },
  '.cm-activeLine, .cm-activeLineGutter': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 7%, transparent)',
  },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'color-mix(in srgb, var(--accent) 24%, transparent)',
  },
  '.cm-tooltip': {
    color: 'var(--ink)', backgroundColor: 'var(--sheet)', border: '1px solid var(--edge)',
    borderRadius: 'var(--r-sm)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    color: 'var(--on-accent)', background: 'var(--accent)',
  },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--failed-bar)' },
  '.cm-lintRange-error': { // CodeMirror's own mark is a data: image, which the page's policy does not allow
    backgroundImage: 'none', textDecoration: 'underline wavy var(--failed-bar)',
  },
  '.cm-lint-marker-error': { // the same
    content: '""', inlineSize: '8px', blockSize: '8px', margin: '7px 3px', borderRadius: '50%',
    backgroundColor: 'var(--failed-bar)',
  },
});
const { tags } = cm;
const colours = cm.HighlightStyle.define([
  { tag: [tags.tagName, tags.angleBracket], color: 'var(--ink-2)' },
  {
    tag: [tags.variableName, tags.propertyName, tags.function(tags.variableName)],
    color: 'var(--accent)',
  },
  { tag: [tags.keyword, tags.brace, tags.operator, tags.operatorKeyword], color: 'var(--unconfirmed-c)' },
  { tag: [tags.string, tags.attributeValue, tags.number], color: 'var(--sent-c)' },
  { tag: tags.comment, color: 'var(--ink-2)', fontStyle: 'italic' },
]);

function variableNames() {
  return [...form.querySelectorAll('[data-variable]')].map(button => button.dataset.variable);
}

function completeVariable(context) {
  const word = context.matchBefore(/[\w.]+/);
  if (!word && !context.explicit) return null;
  const options = variableNames().map(label => ({ label, type: 'variable' }));
  return { from: word?.from ?? context.pos, options };
}

// Typing over a selection. Left to itself, Chromium joins the lines that are left with style attributes, which
// the page's policy refuses, before CodeMirror draws them again.
function typeOver(event, view) {
  const { from, to, empty } = view.state.selection.main;
  const isTyped = event.inputType === 'insertText' && event.data && !event.isComposing;
  if (empty || !isTyped || view.state.readOnly) return false;
  const insert = () => view.state.update(
    view.state.replaceSelection(event.data), { userEvent: 'input.type', scrollIntoView: true },
  );
  const handlers = view.state.facet(cm.EditorView.inputHandler); // such as brackets around the selection
  if (!handlers.some(handle => handle(view, from, to, event.data, insert))) view.dispatch(insert());
  return true;
}

// Puts an editor in the place of a textarea, which stays in the form, hidden, with the same text.
function addEditor(area) {
  const box = document.createElement('div');
  const root = box.attachShadow({ mode: 'open' });
  area.before(box);
  box.addEventListener('input', event => event.stopPropagation()); // the textarea tells of the change
  area.hidden = true;
  const label = form.querySelector(`label[for=${area.id}]`);
  const language = area.dataset.editor === 'html' ? cm.jinja({ base: cm.html() }) : cm.jinja();
  const copyToArea = update => {
    if (!update.docChanged) return;
    area.value = update.state.doc.toString();
    area.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const view = new cm.EditorView({
    root, // in a shadow root CodeMirror makes its styles by script; the page's policy allows no <style>
    parent: root,
    doc: area.value,
    extensions: [
      cm.lineNumbers(),
      cm.history(),
      cm.drawSelection(),
      cm.bracketMatching(),
      cm.closeBrackets(),
      cm.highlightActiveLine(),
      cm.highlightActiveLineGutter(),
      cm.lintGutter(),
      cm.autocompletion({ override: [completeVariable] }),
      language,
      theme,
      cm.syntaxHighlighting(colours),
      cm.EditorView.lineWrapping,
      cm.EditorState.readOnly.of(area.matches(':disabled')),
      cm.keymap.of([
        ...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.defaultKeymap, ...cm.historyKeymap,
      ]),
      cm.EditorView.contentAttributes.of({ 'aria-label': label.textContent, spellcheck: 'false' }),
      cm.EditorView.updateListener.of(copyToArea),
      cm.EditorView.domEventHandlers({ beforeinput: typeOver }),
    ],
  });
  label.addEventListener('click', () => view.focus());
  editors.push({ view, where: area.closest('[data-where]').dataset.where });
}

// Marks each problem that the preview lists in the line of the editor that it belongs to.
function markProblems() {
  const problems = [...form.querySelectorAll('.note[data-where]')].map(note => note.dataset);
  for (const { view, where } of editors) {
    const { doc } = view.state;
    const diagnostics = problems
      .filter(problem => problem.where === where && problem.line)
      .map(problem => {
        const line = doc.line(Math.min(doc.lines, Number(problem.line)));
        return { from: line.from, to: line.to, severity: 'error', message: problem.problem };
      });
    view.dispatch(cm.setDiagnostics(view.state, diagnostics));
  }
}

// A pressed variable goes into the editor or field that had the focus last, at its cursor.
let lastFocused = null;

form.addEventListener('focusin', event => {
  const editor = editors.find(({ view }) => event.target.shadowRoot?.contains(view.dom));
  if (editor) lastFocused = editor.view;
  else if (event.target.matches('#subject, #file_name')) lastFocused = event.target;
});

form.addEventListener('click', event => {
  const name = event.target.closest('[data-variable]')?.dataset.variable;
  const place = lastFocused ?? editors[0]?.view ?? form.querySelector('#subject');
  if (!name || !place) return;
  const text = `{{ ${name} }}`;
  if (place instanceof HTMLInputElement) {
    place.setRangeText(text, place.selectionStart, place.selectionEnd, 'end');
    place.dispatchEvent(new Event('input', { bubbles: true }));
  } else {
    place.dispatch(place.state.replaceSelection(text));
  }
  place.focus();
});

form.addEventListener('change', event => {
  if (event.target.name !== 'width') return;
  form.querySelector('.mail-frame').classList.toggle('phone', event.target.value === 'phone');
});

document.addEventListener('htmx:after:swap', () => {
  showMail();
  markProblems();
});
for (const area of form.querySelectorAll('textarea[data-editor]')) addEditor(area);
showMail();
markProblems();
