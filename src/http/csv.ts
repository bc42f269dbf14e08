/**
 * One row of CSV (RFC 4180). A cell that a spreadsheet would run as a formula is made text by a leading quote
 * (OWASP ASVS 1.2.10).
 */
export function csvRow(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(value: string): string {
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
