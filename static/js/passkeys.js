// Passkeys: a form with data-passkey is sent with what the browser has made ("create") or signed ("get") by the
// options that the server gives for it. Without this script such a form is hidden.
const NEEDED = ['parseCreationOptionsFromJSON', 'parseRequestOptionsFromJSON'];
const PROBLEMS = { NotAllowedError: 'cancelled', AbortError: 'cancelled', InvalidStateError: 'known', SecurityError: 'host' };

const canUse = () => isSecureContext && NEEDED.every(name => typeof window.PublicKeyCredential?.[name] === 'function')
  && typeof PublicKeyCredential.prototype.toJSON === 'function';

function tell(form, words) {
  const place = form.querySelector('[data-passkey-problem]');
  place.textContent = words;
  place.hidden = !words;
}

const say = (form, name) => tell(form, form.querySelector('[data-passkey-problem]').dataset[name]);

async function optionsFor(form) {
  const answer = await fetch(form.dataset.options, { method: 'POST', body: new FormData(form), redirect: 'error' });
  return { ok: answer.ok, said: await answer.json() };
}

async function credentialFor(form, said) {
  const credential = form.dataset.passkey === 'create'
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(said) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(said) });
  return JSON.stringify(credential.toJSON());
}

async function send(form) {
  tell(form, '');
  if (!canUse()) return say(form, isSecureContext ? 'unsupported' : 'host');
  try {
    const { ok, said } = await optionsFor(form);
    if (!ok) return tell(form, said.problem ?? form.querySelector('[data-passkey-problem]').dataset.failed);
    form.elements.credential.value = await credentialFor(form, said);
    return form.submit();
  } catch (error) {
    return say(form, PROBLEMS[error.name] ?? 'failed');
  }
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  form.hidden = false;
  let busy = false;
  form.addEventListener('submit', async event => {
    event.preventDefault();
    event.stopPropagation(); // the other scripts see it when it is really sent
    if (busy) return;
    busy = true;
    await send(form);
    busy = false;
  });
}
