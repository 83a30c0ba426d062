/// The live page's script: asks for the numbers and shows them.
///
/// Nodes are kept and changed in place, so that text can be selected while numbers move. Text from outside goes into
/// text nodes only.
extension MonitoringPage {
    static let pageScript: StaticString = #"""
        "use strict";
        const pollMilliseconds = 2000, points = 60, maxRows = 25;
        const byId = id => document.getElementById(id);
        const svgNamespace = "http://www.w3.org/2000/svg";

        function element(tag, className, ...children) {
          const node = document.createElement(tag);
          if (className) node.className = className;
          node.append(...children);
          return node;
        }

        /** Text in which what has no shape, or turns the direction of what follows, is spelled out. */
        function visible(text) {
          const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
          return String(text).replace(hidden, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
        }

        function setText(node, text) {
          const shape = visible(text);
          if (node.textContent !== shape) node.textContent = shape;
        }

        // ---- Numbers

        const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
        const small = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

        function plain(value) { return (Math.abs(value) < 100 ? small : whole).format(value); }

        function bytes(value) {
          const units = ["B", "KiB", "MiB", "GiB", "TiB"];
          let unit = 0;
          while (Math.abs(value) >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
          return `${plain(value)} ${units[unit]}`;
        }

        function duration(seconds) {
          if (seconds < 60) return `${plain(seconds)} s`;
          const [days, hours, minutes] = [86400, 3600, 60].map(size => Math.floor(seconds / size));
          if (days) return `${days} d ${hours % 24} h`;
          return hours ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
        }

        /** A time that is often less than a second. */
        function shortTime(seconds) {
          if (seconds >= 1) return `${plain(seconds)} s`;
          return seconds >= 1e-3 ? `${plain(seconds * 1e3)} ms` : `${plain(seconds * 1e6)} µs`;
        }

        function shown(value, figure) {
          if (value === null) return "–";
          if (figure.unit === "share") return `${plain(value * 100)} %`;
          if (figure.unit === "time") return shortTime(value);
          if (figure.unit === "milliseconds") return shortTime(value / 1000);
          if (figure.unit === "flag") return value ? "yes" : "no";
          const text = { bytes, seconds: duration }[figure.unit]?.(value) ?? plain(value);
          return figure.reading === "rate" ? `${text}/s` : text;
        }

        /** What a figure's metric is, by its labels. */
        function series(stats, metric) {
          const [path, name] = metric.split("#");
          if (name) {
            const found = path.split(".").reduce((part, member) => part?.[member], stats);
            return [found ?? []].flat().map(one => ({ ...one, value: Number(one[name] ?? 0) }));
          }
          if (!stats || !Object.hasOwn(stats.metrics, metric)) return [];
          const found = stats.metrics[metric];
          return Array.isArray(found) ? found : [{ value: found }];
        }

        function sum(stats, metric, labels) {
          const wanted = Object.entries(labels);
          const found = series(stats, metric).filter(one => wanted.every(([name, value]) => one[name] === value));
          return found.length ? found.reduce((total, one) => total + one.value, 0) : null;
        }

        /** A figure's value now; null when it is not known. `labels` come on top of the figure's own. */
        function reading(figure, labels = {}) {
          const all = { ...figure.labels, ...labels };
          const value = sum(now, figure.metric, all);
          if (figure.per) {
            const since = metric => (sum(now, metric, all) ?? 0) - (sum(before, metric, all) ?? 0);
            const units = since(figure.per), total = sum(now, figure.per, all);
            return units > 0 ? since(figure.metric) / units : total > 0 ? value / total : null;
          }
          if (figure.reading === "value" || value === null) return value;
          if (!before) return null;
          const seconds = (now.uptime_milliseconds - before.uptime_milliseconds) / 1000;
          const growth = value - (sum(before, figure.metric, all) ?? 0);
          return seconds > 0 && growth >= 0 ? growth / seconds : null;
        }

        // ---- Courses

        /** A line over the last readings. */
        class Course {
          constructor(label) {
            this.values = [];
            this.node = document.createElementNS(svgNamespace, "svg");
            this.node.setAttribute("viewBox", `0 0 ${points - 1} 20`);
            this.node.setAttribute("preserveAspectRatio", "none");
            this.node.setAttribute("role", "img");
            this.node.setAttribute("aria-label", `${label}, last two minutes`);
            [this.area, this.line] = ["area", "course"].map(name => {
              const path = document.createElementNS(svgNamespace, "path");
              path.setAttribute("class", name);
              this.node.append(path);
              return path;
            });
          }

          add(value) {
            if (value === null) return;
            this.values.push(value);
            if (this.values.length > points) this.values.shift();
            if (this.values.length < 2) return;
            const top = Math.max(...this.values, 0) || 1;
            const first = points - this.values.length;
            const place = (value, index) => `${first + index} ${(18.5 - 16.5 * Math.max(value, 0) / top).toFixed(2)}`;
            const line = `M${this.values.map(place).join("L")}`;
            this.line.setAttribute("d", line);
            this.area.setAttribute("d", `${line}L${points - 1} 20L${first} 20Z`);
          }
        }

        // ---- Sections

        class Tiles {
          constructor(section) {
            this.node = element("div", "tiles");
            this.parts = section.figures.map(figure => {
              const [number, course] = [element("div", "number", "–"), new Course(figure.label)];
              const tile = element("div", "tile", element("div", "label", figure.label), number, course.node);
              this.node.append(tile);
              return { figure, number, course };
            });
          }

          update() {
            for (const { figure, number, course } of this.parts) {
              const value = reading(figure);
              setText(number, shown(value, figure));
              course.add(value);
            }
          }
        }

        /** A name and a number in each row. */
        class Facts {
          constructor(section) {
            this.node = element("table", "facts", element("tbody"));
            this.parts = section.figures.map(figure => {
              const cell = element("td", "", "–");
              this.node.firstChild.append(element("tr", "", element("td", "", figure.label), cell));
              return { figure, cell };
            });
          }

          update() {
            for (const { figure, cell } of this.parts) {
              const value = reading(figure);
              setText(cell, shown(value, figure));
              cell.className = value ? "" : "nil";
            }
          }
        }

        /** A table whose rows come and go by their key. */
        class Rows {
          constructor(heads, className) {
            this.rows = new Map();
            this.body = element("tbody");
            const head = element("thead", "", element("tr", "", ...heads.map(text => element("th", "", text))));
            this.table = element("table", className, head, this.body);
            this.empty = element("p", "empty", "Nothing yet.");
            this.table.hidden = true;
            this.node = element("div", "scroll", this.table, this.empty);
          }

          /** Shows the rows of `keys` in that order; `make` builds what is new. */
          show(keys, make) {
            this.table.hidden = keys.length === 0;
            this.empty.hidden = keys.length > 0;
            for (const [key, row] of this.rows) {
              if (keys.includes(key)) continue;
              row.nodes.forEach(node => node.remove());
              this.rows.delete(key);
            }
            let place = this.body.firstChild;
            for (const key of keys) {
              if (!this.rows.has(key)) this.rows.set(key, make(key));
              for (const node of this.rows.get(key).nodes) {
                if (node === place) place = place.nextSibling; else this.body.insertBefore(node, place);
              }
            }
          }
        }

        class Table {
          constructor(section) {
            this.section = section;
            this.names = section.rows.split(",");
            this.labels = new Map();
            this.rows = new Rows([this.names.join(" · "), ...section.figures.map(figure => figure.label), ""], "course");
            this.node = this.rows.node;
          }

          get keys() {
            const { names } = this, { figures } = this.section;
            const found = series(now, figures[0].metric);
            const isArray = figures[0].metric.includes("#");
            const totals = new Map();
            for (const one of found) {
              if (names.some(name => one[name] === undefined) || !one.value && !isArray) continue;
              const key = names.map(name => one[name]).join(" · ");
              this.labels.set(key, Object.fromEntries(names.map(name => [name, one[name]])));
              totals.set(key, (totals.get(key) ?? 0) + one.value);
            }
            if (isArray) return [...totals.keys()].slice(0, maxRows);
            return [...totals].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, maxRows).map(([key]) => key);
          }

          make(key) {
            const cells = this.section.figures.map(() => element("td"));
            const course = new Course(visible(key));
            const row = element("tr", "", element("td", "", visible(key)), ...cells, element("td", "", course.node));
            if (!this.section.samples) return { nodes: [row], cells, course };
            const [message, line] = [element("div", "message"), element("code")];
            const cell = element("td", "", message, line);
            cell.colSpan = cells.length + 2;
            return { nodes: [row, element("tr", "sample", cell)], cells, course, message, line };
          }

          update() {
            const { figures, samples } = this.section;
            this.rows.show(this.keys, key => this.make(key));
            for (const [key, row] of this.rows.rows) {
              const values = figures.map(figure => reading(figure, this.labels.get(key)));
              values.forEach((value, index) => setText(row.cells[index], shown(value, figures[index])));
              row.course.add(values[values.length - 1]);
              if (samples) this.showSample(row, (now[samples] ?? []).find(one => one.reason === key));
            }
          }

          showSample(row, sample) {
            row.nodes[1].hidden = !sample;
            if (!sample) return;
            setText(row.message, `${sample.message} (${duration(Math.round(sample.age_milliseconds / 1000))} ago)`);
            setText(row.line, sample.line);
            row.line.hidden = !sample.line;
          }
        }

        class Grid {
          constructor(section) {
            this.section = section;
            this.node = element("div");
            this.columns = [];
          }

          update() {
            const { metric, rows, columns } = this.section;
            const all = series(now, metric);
            const across = [...new Set(all.map(one => one[columns] ?? ""))];
            if (!this.rows || across.join() !== this.columns.join()) {
              this.columns = across;
              this.rows = new Rows([rows, ...across.map(visible)], "");
              this.node.replaceChildren(this.rows.node);
            }
            this.rows.show([...new Set(all.map(one => one[rows] ?? ""))], key => {
              const cells = across.map(() => element("td"));
              return { nodes: [element("tr", "", element("td", "", visible(key)), ...cells)], cells };
            });
            for (const [key, row] of this.rows.rows) {
              across.forEach((column, index) => {
                const value = sum(now, metric, { [rows]: key, [columns]: column });
                setText(row.cells[index], value === null ? "–" : plain(value));
                row.cells[index].className = value ? "" : "nil";
              });
            }
          }
        }

        // ---- The page

        let now = null, before = null, parts = null;

        async function ask(path) {
          const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
          if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
          return answer.json();
        }

        function build(page) {
          const kinds = { tiles: Tiles, facts: Facts, table: Table, grid: Grid };
          byId("sections").replaceChildren();
          return page.sections.map(section => {
            const part = new kinds[section.kind](section);
            const className = section.kind === "tiles" ? "wide bare" : section.wide ? "wide" : "";
            byId("sections").append(element("section", className, element("h2", "", section.title), part.node));
            return part;
          });
        }

        function showHealth(text, reasons) {
          setText(byId("status"), text);
          byId("status").className = reasons.length ? "bad" : "good";
          byId("problems").hidden = reasons.length === 0;
          const list = byId("problems").firstElementChild;
          while (list.childElementCount > reasons.length) list.lastElementChild.remove();
          while (list.childElementCount < reasons.length) list.append(element("li"));
          reasons.forEach((reason, index) => setText(list.children[index], reason));
        }

        function showFacts() {
          const { name, version } = now.service;
          document.title = name;
          setText(byId("name"), name);
          setText(byId("version"), version);
          const ports = Object.entries(now.listening).map(([what, address]) => `${what} on ${address}`);
          const facts = [`up ${duration(Math.floor(now.uptime_milliseconds / 1000))}`, `process ${now.pid}`, ...ports];
          setText(byId("facts"), facts.join(" · "));
        }

        async function update() {
          try {
            parts ??= build(await ask("page.json"));
            const stats = await ask("stats");
            // Another process: nothing of before can be compared.
            before = now && now.pid === stats.pid && now.uptime_milliseconds < stats.uptime_milliseconds ? now : null;
            now = stats;
            showFacts();
            const reasons = now.health.reasons ?? [];
            showHealth(reasons.length ? "not healthy" : "healthy", reasons);
            for (const part of parts) part.update();
          } catch (error) {
            showHealth("no answer", [`The numbers are not current: ${error.message}`]);
          }
        }

        async function run() {
          while (true) {
            if (!document.hidden) await update();
            await new Promise(resolve => setTimeout(resolve, pollMilliseconds));
          }
        }

        run();
        """#
}
