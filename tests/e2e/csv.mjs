// CSV for tests: records as RFC 4180 has them, and Footfall's guard against spreadsheets taken off.

/** Records of fields, as they stand there. */
export function parseCsv(text) {
  const records = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r?\n|$)/g)) {
    records.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ',') records.push([]);
    if (end === '') break;
  }
  return records.filter((record) => record.length > 1 || (record.length === 1 && record[0] !== ''));
}

/** The same as they were before they were guarded. */
export function rowsOf(text) {
  return parseCsv(text).map((record) => record.map((field) => (/^'+[=+\-@\t\r]/.test(field) ? field.slice(1) : field)));
}

/** A line of CSV: texts in quotation marks, numbers bare. */
export function csvLine(fields) {
  return `${fields.map((field) => (typeof field === 'number' ? field : `"${field.replaceAll('"', '""')}"`)).join(',')}\n`;
}
