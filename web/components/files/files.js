// Many files: they are uploaded in batches, and each batch is read in slices while the next one is uploaded. Only the
// browser knows the state of the work, so that it can stop at any moment, continue, and lose nothing.

const $ = (selector) => element.querySelector(selector);
const input = $('input'), progress = $('progress'), count = $('.count'), status = $('.status');
const toggleButton = $('[data-action=toggle]');
const table = new Table(element);

let batches = [];  // to be read: {files, upload: null or a promise, done: rows so far, total: rows in all}
let run = 0;  // counts starts and stops: a reply that arrives in a later run is obsolete

/** Add files to the work, and start it unless it is in progress. @param {{file: ?File, name: string}[]} files */
function addFiles(files) {
  if (!files.length) return;
  const wasIdle = !batches.length;
  for (let start = 0; start < files.length; start += props.files_per_request) {
    const batch = files.slice(start, start + props.files_per_request);
    batches.push({files: batch, upload: null, done: 0, total: batch.length});
  }
  showState(element.dataset.state);
  if (wasIdle || element.dataset.state === 'stopped') readBatches();
}

/** Upload and read all batches, until none is left, the visitor stops, or the server does not answer. */
async function readBatches() {
  const ownRun = ++run;
  showState('working');
  showStatus(texts.files.working);
  while (batches.length) {
    const [batch, nextBatch] = batches;
    try {
      const files = await uploadBatch(batch);
      if (nextBatch) uploadBatch(nextBatch);
      const {rows, total} = await server.read({files, start: batch.done});
      if (ownRun !== run) return;
      batch.done += rows.length;
      batch.total = total;
      table.add(rows);
    } catch {
      if (ownRun !== run) return;
      for (const waiting of batches) waiting.upload = null;  // its upload may have failed as well
      run++;
      showState('stopped');
      return showStatus(texts.files.no_answer);
    }
    if (batch.done >= batch.total) batches.shift();
    showState('working');
  }
  showState('done');
  showStatus(fillCounts(texts.files.done));
}

/** Upload a batch once, and return what the server calls its files. @param {object} batch */
function uploadBatch(batch) {
  return batch.upload ??= uploadFiles(batch.files);
}

/**
 * Upload the files that can be uploaded.
 * @param {{file: ?File, name: string}[]} files
 * @returns {Promise<{name: string, path?: string, problem?: string}[]>} in the same order
 */
async function uploadFiles(files) {
  const uploaded = await postFiles(files.filter((file) => !findProblem(file)));
  return files.map((file) => (findProblem(file) ? {name: file.name, problem: findProblem(file)} : uploaded.shift()));
}

function findProblem({file}) {
  return !file ? 'not_sent' : file.size > props.megabytes * 2 ** 20 ? 'too_large' : '';
}

/** Send files to the server; if that fails, each one by itself, to know which one it was. @param {object[]} files */
async function postFiles(files) {
  if (!files.length) return [];
  const form = new FormData();
  for (const {file} of files) form.append('files', file);
  try {
    // Not Gradio's upload(), which also shows every failure over the page, in English.
    const url = `${gradio_config.root}${gradio_config.api_prefix}/upload`;
    const response = await fetch(url, {method: 'POST', body: form});
    if (!response.ok) throw response;
    const paths = await response.json();
    return files.map(({name}, index) => ({name, path: paths[index]}));
  } catch {
    if (files.length === 1) return [{name: files[0].name, problem: 'not_sent'}];
    return (await Promise.all(files.map((file) => postFiles([file])))).flat();
  }
}

function stop() {
  run++;
  showState('stopped');
  showStatus(fillCounts(texts.files.stopped));
}

function clear() {
  run++;
  batches = [];
  table.clear();
  showState('empty');
  showStatus('');
  $('.choose').focus();  // the button that was pressed is hidden now
}

// ---- display

/** Return a sentence with the numbers of rows in its placeholders. @param {string} sentence */
function fillCounts(sentence) {
  const counts = {done: table.rows.length, total: table.rows.length + countWaiting()};
  for (const state of STATES) counts[state] = table.count(state);
  return sentence.replace(/{(\w+)}/g, (_, name) => counts[name].toLocaleString(document.documentElement.lang));
}

/** Return the number of rows that are still to be read. */
function countWaiting() {
  return batches.reduce((sum, {done, total}) => sum + total - done, 0);
}

/**
 * Show the state of the work, and the progress.
 * @param {string} state empty, working, stopped or done; files.css shows what belongs to it
 */
function showState(state) {
  const toggleHadFocus = document.activeElement === toggleButton;
  element.dataset.state = state;
  element.toggleAttribute('data-rows', table.rows.length > 0);
  progress.max = table.rows.length + countWaiting() || 1;
  progress.value = table.rows.length;
  count.textContent = fillCounts(texts.files.count);
  toggleButton.textContent = state === 'stopped' ? texts.files.go_on : texts.files.stop;
  if (toggleHadFocus && state === 'done') $('[data-action=csv]').focus();
}

function showStatus(sentence) {
  status.textContent = sentence;
}

// ---- sources of files, and buttons

input.addEventListener('change', () => {
  addFiles(nameFiles(input.files));
  input.value = '';  // lets the visitor choose the same files again
});

// Files may be dropped anywhere on the page while this tab is open. The pad does the same in its own tab.
for (const [type, transfer] of [['drop', 'dataTransfer'], ['paste', 'clipboardData']]) {
  document.addEventListener(type, async (event) => {
    delete element.dataset.dragover;
    if (!element.checkVisibility() || !event[transfer]?.files.length) return;
    event.preventDefault();
    addFiles(await collectFiles(event[transfer]));
  });
}
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  element.dataset.dragover = '';
});
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) delete element.dataset.dragover;
});

const actions = {
  choose: () => input.click(),
  toggle: () => (element.dataset.state === 'working' ? stop() : readBatches()),
  csv: () => saveFile(rowsToCsv(table.sortedRows()), 'text/csv', 'csv'),
  json: () => saveFile(rowsToJson(table.sortedRows()), 'application/json', 'json'),
  clear,
};

element.addEventListener('click', (event) => {
  actions[event.target.closest('[data-action]')?.dataset.action]?.();
});

showState('empty');
