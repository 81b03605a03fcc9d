// Files to download, made in the browser: the rows of many files as CSV (the columns of the command line and one for
// errors) or as JSON, and the table in one image as CSV.

const COLUMNS = ['file', 'text', 'lowest_probability', 'certain', 'error'];

/**
 * Return the rows of many files as CSV.
 * @param {object[]} rows
 */
function rowsToCsv(rows) {
  const lines = rows.map(({file, state, reading, probability, error}) => [
    escapeFormula(file),
    reading?.text ?? '',  // digits and marks, "-5" included, are harmless as a formula
    probability?.toFixed(4) ?? '',
    reading ? state === 'certain' : '',
    escapeFormula(error ?? ''),
  ]);
  // Excel reads a file as UTF-8 only if it begins with a byte order mark.
  return `\ufeff${tableToCsv([COLUMNS, ...lines])}`;
}

/**
 * Return rows of cells as CSV.
 * @param {Array<Array>} rows
 */
function tableToCsv(rows) {
  return rows.map((cells) => `${cells.map(quoteCell).join(',')}\r\n`).join('');
}

/**
 * Return a text that no spreadsheet runs as a formula, as it would if the text began with one of these characters.
 * @param {string} text
 */
function escapeFormula(text) {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quoteCell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Return the rows of many files as JSON.
 * @param {object[]} rows
 */
function rowsToJson(rows) {
  return JSON.stringify(rows.map(({file, reading, error}) => (reading ? {file, ...reading} : {file, error})), null, 1);
}

/**
 * Let the browser download a file.
 * @param {string} content
 * @param {string} type its MIME type
 * @param {string} extension
 */
function saveFile(content, type, extension) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], {type}));
  link.download = `${texts.files.saved_as}.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);  // by then the browser has written the file
}
