// The rows as files to take home, made in the browser: CSV with the columns of the command line and one for errors, and
// JSON.

const COLUMNS = ['file', 'text', 'lowest_probability', 'certain', 'error'];

function asCsv(rows) {
  const lines = rows.map(({file, reading, probability, error}) => [
    file,
    reading?.text ?? '',
    probability?.toFixed(4) ?? '',
    reading ? reading.digits.length > 0 && reading.digits.every(({certain}) => certain) : '',
    error ?? '',
  ]);
  // Excel takes a file for UTF-8 only where it begins with a byte order mark.
  return `\ufeff${[COLUMNS, ...lines].map((line) => `${line.map(quoted).join(',')}\r\n`).join('')}`;
}

function quoted(value) {
  let text = String(value);
  if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`;  // a spreadsheet would run a name that begins so as a formula
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
