// Many files: they are sent a batch at a time, and a batch is read a slice at a time; the next batch is sent meanwhile.
// All that there is to know of the work is here, so that it can stop at any moment, go on, and lose nothing.

const $ = (selector) => element.querySelector(selector);
const input = $('input'), progress = $('progress'), count = $('.count'), status = $('.status'), toggle = $('[data-do=toggle]');
const table = new Table(element);

let batches = [];  // what is still to be read: {jobs, sent: null or a promise, done: rows so far, total: rows in all}
let turn = 0;  // counts starts and stops: an answer that comes in a later turn is out of date

function add(jobs) {
  if (!jobs.length) return;
  const fresh = !batches.length;
  for (let start = 0; start < jobs.length; start += props.batch) {
    const some = jobs.slice(start, start + props.batch);
    batches.push({jobs: some, sent: null, done: 0, total: some.length});
  }
  show(element.dataset.state);
  if (fresh || element.dataset.state === 'stopped') work();
}

async function work() {
  const own = ++turn;
  show('working');
  say(texts.files.working);
  while (batches.length) {
    const [batch, next] = batches;
    try {
      const files = await sent(batch);
      if (next) sent(next);
      const {rows, total} = await server.read({files, start: batch.done});
      if (own !== turn) return;
      batch.done += rows.length;
      batch.total = total;
      table.add(rows);
    } catch {
      if (own !== turn) return;
      for (const waiting of batches) waiting.sent = null;  // for it may not have arrived either
      turn++;
      show('stopped');
      return say(texts.files.no_answer);
    }
    if (batch.done >= batch.total) batches.shift();
    show('working');
  }
  show('done');
  say(filled(texts.files.done));
}

function sent(batch) {
  return batch.sent ??= sendAll(batch.jobs);
}

async function sendAll(jobs) {
  const files = await send(jobs.filter((job) => !flaw(job)));
  return jobs.map((job) => (flaw(job) ? {name: job.name, problem: flaw(job)} : files.shift()));
}

function flaw({file}) {
  return !file ? 'not_sent' : file.size > props.megabytes * 2 ** 20 ? 'too_large' : '';
}

async function send(jobs) {
  if (!jobs.length) return [];
  const form = new FormData();
  for (const {file} of jobs) form.append('files', file);
  try {
    // Not Gradio's upload(), which tells of every failure once more, in English and over the page.
    const answer = await fetch(`${gradio_config.root}${gradio_config.api_prefix}/upload`, {method: 'POST', body: form});
    if (!answer.ok) throw answer;
    const paths = await answer.json();
    return jobs.map(({name}, index) => ({name, path: paths[index]}));
  } catch {
    if (jobs.length === 1) return [{name: jobs[0].name, problem: 'not_sent'}];
    return (await Promise.all(jobs.map((job) => send([job])))).flat();  // to know which of them it was
  }
}

function stop() {
  turn++;
  show('stopped');
  say(filled(texts.files.stopped));
}

function clear() {
  turn++;
  batches = [];
  table.clear();
  show('empty');
  say('');
  $('.choose').focus();  // the button that was pressed is gone
}

// ---- what is seen of it

function filled(sentence) {
  const facts = {done: table.rows.length, total: table.rows.length + waiting()};
  for (const state of ORDER) facts[state] = table.count(state);
  return sentence.replace(/{(\w+)}/g, (_, name) => facts[name]);
}

function waiting() {
  return batches.reduce((sum, {done, total}) => sum + total - done, 0);
}

function show(state) {
  const stopHadFocus = document.activeElement === toggle;
  element.dataset.state = state;  // empty, working, stopped or done: files.css shows what belongs to it
  element.toggleAttribute('data-rows', table.rows.length > 0);
  progress.max = table.rows.length + waiting() || 1;
  progress.value = table.rows.length;
  count.textContent = filled(texts.files.count);
  toggle.textContent = state === 'stopped' ? texts.files.go_on : texts.files.stop;
  if (stopHadFocus && state === 'done') $('[data-do=csv]').focus();
}

function say(sentence) {
  status.textContent = sentence;
}

// ---- where files come from, and buttons

input.addEventListener('change', () => {
  add(asJobs(input.files));
  input.value = '';  // so that the same files can be chosen again
});

// Anywhere on the page while this room is the open one; the pad does the same in its own.
for (const [kind, key] of [['drop', 'dataTransfer'], ['paste', 'clipboardData']]) {
  document.addEventListener(kind, async (event) => {
    delete element.dataset.dropping;
    if (!element.checkVisibility() || !event[key]?.files.length) return;
    event.preventDefault();
    add(await filesIn(event[key]));
  });
}
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  element.dataset.dropping = '';
});
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) delete element.dataset.dropping;
});

const actions = {
  choose: () => input.click(),
  toggle: () => (element.dataset.state === 'working' ? stop() : work()),
  csv: () => save(asCsv(table.arranged()), 'text/csv', 'csv'),
  json: () => save(asJson(table.arranged()), 'application/json', 'json'),
  clear,
};

element.addEventListener('click', (event) => {
  actions[event.target.closest('[data-do]')?.dataset.do]?.();
});

show('empty');
