// What was read as files to take home, made in the browser: the rows of many files as CSV, with the columns of the command
// line and one for errors, and as JSON; the table on one image as CSV.

const COLUMNS = ['file', 'text', 'lowest_probability', 'certain', 'error'];

function asCsv(rows) {
  const lines = rows.map(({file, state, reading, probability, error}) => [
    harmless(file),
    reading?.text ?? '',  // digits and marks, "-5" too, are no formula that does anything
    probability?.toFixed(4) ?? '',
    reading ? state === 'sure' : '',
    harmless(error ?? ''),
  ]);
  // Excel takes a file for UTF-8 only where it begins with a byte order mark.
  return `\ufeff${tableAsCsv([COLUMNS, ...lines])}`;
}

function tableAsCsv(rows) {
  return rows.map((cells) => `${cells.map(quoted).join(',')}\r\n`).join('');
}

// A spreadsheet would run a name that begins with one of these as a formula.
function harmless(text) {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quoted(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function asJson(rows) {
  return JSON.stringify(rows.map(({file, reading, error}) => (reading ? {file, ...reading} : {file, error})), null, 1);
}

function save(content, type, ending) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], {type}));
  link.download = `${texts.files.saved_as}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);  // not before it is written
}
