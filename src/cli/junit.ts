/**
 * Counts the results in a JUnit report as `deno test` writes it.
 *
 * @module
 */

/** Numbers of tests; steps of a test are part of it. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts test cases; a case named `parent > step`, where the file also has a case `parent`, is a step. */
export function countTests(report: string): TestCounts {
  let [passed, failed, skipped] = [0, 0, 0];
  for (const [suite] of report.matchAll(/<testsuite\s[^]*?<\/testsuite>/g)) {
    const cases = [...suite.matchAll(/<testcase name="([^"]*)"([^>]*?)(?:\/>|>([^]*?)<\/testcase>)/g)];
    const names = new Set(cases.map(([, name]) => name));
    for (const [, name, attributes, body = ""] of cases) {
      const parts = name.split(" &gt; ");
      const isStep = parts.some((_, i) => i > 0 && names.has(parts.slice(0, i).join(" &gt; ")));
      if (isStep) continue;
      if (body.includes("<failure") || body.includes("<error")) failed++;
      else if (!body.includes("<skipped")) passed++;
      // A test that the filter left out is reported as skipped too, but without a time.
      else if (attributes.includes("time=")) skipped++;
    }
  }
  return { passed, failed, skipped };
}

/** `N passed, N failed`, and `, N skipped` where tests were. */
export function summarize({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
