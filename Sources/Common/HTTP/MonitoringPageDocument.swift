/// The live page's HTML and style; `MonitoringPageScript.swift` has what moves in it.
extension MonitoringPage {
    static let pageHead: StaticString = #"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>monitoring</title>
        <style>
        """#

    static let pageStyle: StaticString = #"""
        :root {
          --page: #f5f6f8; --card: #ffffff; --ink: #182230; --quiet: #5d6b82; --line: #e3e7ed;
          --accent: #2563c9; --fill: #2563c91f; --good: #14733f; --bad: #b3261e; --warn: #fdf0ee; --code: #f1f3f7;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #0e1217; --card: #171d25; --ink: #e4e9f0; --quiet: #97a3b6; --line: #29313d;
            --accent: #79a8ff; --fill: #79a8ff26; --good: #52c98a; --bad: #ff8f84; --warn: #2b1b1b; --code: #1f2731;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; background: var(--page); color: var(--ink);
          font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
        }
        header, main, footer, #problems { max-width: 1240px; margin: 0 auto; padding: 0 20px; }
        header { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 14px; padding-top: 22px; }
        h1 { font-size: 22px; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
        #version, #facts, footer { color: var(--quiet); font-size: 13px; }
        #facts { flex-basis: 100%; margin: 0; overflow-wrap: anywhere; }
        #status { font-size: 13px; font-weight: 600; border-radius: 99px; padding: 3px 12px; margin-left: auto; }
        #status { border: 1px solid currentColor; color: var(--quiet); }
        #status::before { content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%; }
        #status::before { background: currentColor; margin-right: 7px; }
        #status.good { color: var(--good); }
        #status.bad { color: var(--bad); }
        #problems ul { background: var(--warn); border: 1px solid var(--bad); border-radius: 10px; color: var(--bad); }
        #problems ul { margin: 16px 0 0; padding: 10px 16px 10px 32px; overflow-wrap: anywhere; }
        main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; }
        main { padding-top: 18px; }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; }
        section { min-width: 0; }
        section.wide { grid-column: 1 / -1; }
        section.bare { background: none; border: 0; padding: 0; }
        section.bare h2 { position: absolute; clip-path: inset(50%); }
        h2 { font-size: 14px; margin: 0 0 8px; font-weight: 650; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(46%, 240px), 1fr)); gap: 12px; }
        .tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
        .tile .label { color: var(--quiet); font-size: 13px; padding: 12px 14px 0; }
        .tile .number { font-size: 25px; font-weight: 650; line-height: 1.25; padding: 0 14px; white-space: nowrap; }
        .tile .number, td { font-variant-numeric: tabular-nums; }
        .tile svg { display: block; width: 100%; height: 34px; margin-top: 4px; }
        svg .area { fill: var(--fill); }
        svg .course { fill: none; stroke: var(--accent); stroke-width: 1.6; vector-effect: non-scaling-stroke; }
        svg .course { stroke-linejoin: round; }
        .scroll { overflow-x: auto; margin: 0 -16px; padding: 0 16px; }
        table { width: 100%; border-collapse: collapse; }
        th { color: var(--quiet); font-size: 12.5px; font-weight: 500; text-align: right; padding: 2px 0 5px 14px; }
        td { text-align: right; padding: 6px 0 6px 14px; border-top: 1px solid var(--line); white-space: nowrap; }
        th:first-child, td:first-child { text-align: left; padding-left: 0; }
        th:not(:first-child), td:not(:first-child) { width: 1%; min-width: 84px; }
        td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 90px; }
        td svg { width: 84px; height: 20px; vertical-align: middle; }
        td.nil { color: var(--quiet); }
        tr.sample td { border-top: 0; padding: 0 0 10px; text-align: left; white-space: normal; width: auto; }
        .message { color: var(--quiet); font-size: 13px; overflow-wrap: anywhere; }
        code { display: block; background: var(--code); border-radius: 8px; padding: 7px 10px; margin-top: 4px; }
        code { font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
        code { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 6.6em; overflow-y: auto; }
        .empty { color: var(--quiet); margin: 4px 0 2px; }
        footer { padding-top: 18px; padding-bottom: 28px; }
        a { color: var(--accent); }
        @media (max-width: 520px) {
          header, main, footer, #problems { padding-left: 12px; padding-right: 12px; }
          .tile .number { font-size: 21px; }
          table.course td:last-child, table.course th:last-child { display: none; }
          tr.sample td:last-child { display: table-cell !important; }
        }
        </style>
        </head>
        """#

    static let pageBody: StaticString = #"""
        <body>
        <header>
        <h1 id="name">monitoring</h1>
        <span id="version"></span>
        <span id="status" role="status">connecting</span>
        <p id="facts"></p>
        </header>
        <div id="problems" hidden><ul></ul></div>
        <main id="sections"><noscript>This page needs JavaScript; the numbers are in /stats.</noscript></main>
        <footer>Every two seconds from <a href="stats">stats</a>; for machines also
        <a href="metrics">metrics</a> and <a href="healthz">healthz</a>.</footer>
        <script>
        """#

    static let pageEnd: StaticString = #"""

        </script>
        </body>
        </html>

        """#
}
