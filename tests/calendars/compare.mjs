// Prints each day of a range as chinese-days knows it: `2026-10-10 work`.
import days from "chinese-days";

const [first, last] = process.argv.slice(2);
const lines = [];
for (const date = new Date(`${first}T00:00:00Z`); date <= new Date(`${last}T00:00:00Z`); date.setUTCDate(date.getUTCDate() + 1)) {
  const text = date.toISOString().slice(0, 10);
  lines.push(`${text} ${days.isWorkday(text) ? "work" : "off"}`);
}
console.log(lines.join("\n"));
