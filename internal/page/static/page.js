// What the pages gain where scripts run: times in the reader's form, a countdown, a PIN that can be
// shown, and answers without a new page. Without it everything works all the same.
(() => {
  'use strict';
  const find = (what, from = document) => from.querySelector(what);
  const all = (what, from = document) => from.querySelectorAll(what);
  const { lang } = document.documentElement;
  // The reader's own variety of the page's language, where the browser names one.
  const language = navigator.languages.find((one) => one.split('-')[0] === lang) || lang;
  let timer;
  let busy = false;

  // The time zone is named, and the day where it is not today.
  const write = (time) => {
    const at = new Date(time.dateTime);
    const day = at.toDateString() === new Date().toDateString() ? {} : { day: 'numeric', month: 'long', year: 'numeric' };
    time.textContent = new Intl.DateTimeFormat(language, {
      ...day, hour: 'numeric', minute: '2-digit', timeZoneName: 'short',
    }).format(at);
  };

  // The server gives the seconds that are left, because the reader's clock may be wrong.
  const countDown = (clock) => {
    const end = performance.now() + clock.dataset.left * 1000;
    const tick = () => {
      const left = Math.max(0, Math.round((end - performance.now()) / 1000));
      const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
      const two = (n) => String(n).padStart(2, '0');
      clock.textContent = hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
      if (left < 60 && !clock.classList.contains('soon')) {
        clock.classList.add('soon');
        say(clock.dataset.last);
      }
      if (left === 0) {
        clearInterval(timer);
        // A little later, because the server's own clock decides.
        setTimeout(look, 1500);
      }
    };
    timer = setInterval(tick, 1000);
    tick();
  };

  // A region for screen readers; it is there before it speaks.
  const voice = document.body.appendChild(document.createElement('p'));
  voice.className = 'voice';
  voice.setAttribute('role', 'status');
  const say = (text) => (voice.textContent = text);

  const enhance = () => {
    clearInterval(timer);
    say('');
    all('time').forEach(write);
    const clock = find('[data-left]');
    if (clock) countDown(clock);
    for (const button of all('.show')) {
      const input = button.previousElementSibling;
      button.hidden = false;
      button.addEventListener('click', () => {
        const shown = input.type === 'password';
        input.type = shown ? 'text' : 'password';
        button.setAttribute('aria-pressed', shown);
        input.focus();
      });
    }
    for (const form of all('form')) form.addEventListener('submit', send);
  };

  // Takes the main part of another answer for this page, and goes to what the reader needs next.
  const replace = (html) => {
    const main = find('main', new DOMParser().parseFromString(html, 'text/html'));
    if (!main) throw new Error('no page');
    find('main').replaceWith(document.adoptNode(main));
    enhance();
    const target = find('[aria-invalid]') || find('h1');
    target.focus();
    if (target.localName === 'h1') scrollTo(0, 0);
  };

  const answer = async (options) => {
    const response = await fetch(location.href, { redirect: 'follow', cache: 'no-store', ...options });
    return response.text();
  };

  const send = async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    const form = event.target;
    const main = find('main');
    main.setAttribute('aria-busy', 'true');
    const fields = new FormData(form);
    if (event.submitter && event.submitter.name) fields.set(event.submitter.name, event.submitter.value);
    for (const input of all('input[id]', form)) input.type = 'password';
    try {
      replace(await answer({ method: 'POST', body: new URLSearchParams(fields) }));
    } catch {
      main.removeAttribute('aria-busy');
      const note = find('.offline') || document.createElement('p');
      note.className = 'notice offline';
      note.setAttribute('role', 'alert');
      note.textContent = main.dataset.offline;
      form.before(note);
    } finally {
      busy = false;
    }
  };

  // Looks once whether the question is still open, and shows the page only if it is not: what was
  // entered stays.
  const look = async () => {
    if (busy || !find('[data-left]')) return;
    try {
      const html = await answer({});
      if (!busy && find('[data-left]') && !html.includes('data-left=')) replace(html);
    } catch {
      // The next look, or the reader's own reload, will tell.
    }
  };
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') look();
  });
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
  enhance();
})();
