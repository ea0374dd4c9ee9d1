/* An enhancement: the page is complete without it. Filters, sorts, copies, opens what is linked. */
(function () {
	"use strict";

	const all = (selector, of) => Array.from((of || document).querySelectorAll(selector));

	function make(tag, text, attributes) {
		const element = document.createElement(tag);

		element.textContent = text || "";
		for (const name in attributes || {})
			element.setAttribute(name, attributes[name]);
		return element;
	}

	/* ---- sorting: a button in each column's head ---- */

	function keyOf(row, column) {
		const cell = row.cells[column];
		const text = cell ? cell.textContent.trim() : "";

		if (cell && cell.dataset.n)
			return Number(cell.dataset.n);
		return /^[\d,]+$/.test(text) ? Number(text.replaceAll(",", "")) : text;
	}

	function compare(a, b) {
		if (a === "" || b === "")
			return (a === "") - (b === "");
		if (typeof a === "number" && typeof b === "number")
			return a - b;
		return String(a).localeCompare(String(b));
	}

	function sort(table, head, column) {
		const down = head.getAttribute("aria-sort") === "ascending" ||
			(!head.hasAttribute("aria-sort") && head.classList.contains("num"));
		const rows = all("tbody > tr", table).map(row => [keyOf(row, column), row]);
		const body = table.tBodies[0];

		rows.sort((a, b) => a[0] === "" || b[0] === "" || !down ?
			compare(a[0], b[0]) : compare(b[0], a[0]));
		all("th[aria-sort]", table).forEach(th => th.removeAttribute("aria-sort"));
		head.setAttribute("aria-sort", down ? "descending" : "ascending");
		body.append(...rows.map(pair => pair[1]));
	}

	function makeSortable(table) {
		all("thead th", table).forEach((head, column) => {
			const button = make("button", head.textContent, { type: "button" });

			button.addEventListener("click", () => sort(table, head, column));
			head.replaceChildren(button);
		});
	}

	/* ---- filtering ---- */

	const choices = { rule: "Rule", pid: "Process", state: "State" };
	const rows = all("article.finding, #findings-table tbody tr, #sockets-table tbody tr, " +
		"#sites-table tbody tr, #open-table tbody tr");
	const texts = new Map();

	function textOf(row) {
		if (!texts.has(row))
			texts.set(row, row.textContent.toLowerCase());
		return texts.get(row);
	}

	/* What has no rule (or process, or state) of its own is not hidden by a choice of one. */
	function matches(row, wanted) {
		for (const name in choices)
			if (wanted[name] && name in row.dataset && row.dataset[name] !== wanted[name])
				return false;
		if (wanted.rule && row.closest("#sockets-table") && !("rule" in row.dataset))
			return false;
		return !wanted.text || textOf(row).includes(wanted.text);
	}

	function select(name, label, wanted, changed) {
		const values = [...new Set(rows.map(row => row.dataset[name]).filter(Boolean))].sort();
		const box = make("select", "", { id: "filter-" + name });
		const outer = make("label", label);

		if (values.length < 2)
			return null;
		box.append(make("option", "all", { value: "" }));
		values.forEach(value => box.append(make("option", value, { value: value })));
		box.addEventListener("change", () => {
			wanted[name] = box.value;
			changed();
		});
		outer.append(box);
		return outer;
	}

	function makeFilter() {
		const wanted = { text: "" };
		const tools = make("div", "", { class: "tools", role: "search", "aria-label": "Filter" });
		const label = make("label", "Filter by text");
		const input = make("input", "", { id: "filter-text", type: "search" });
		const clear = make("button", "Clear", { type: "button", id: "filter-clear" });
		const told = make("output", "", { id: "filter-told" });
		const changed = () => {
			let shown = 0, findings = 0;

			rows.forEach(row => {
				row.hidden = !matches(row, wanted);
				if (row.matches("article.finding, #findings-table tr")) {
					findings++;
					shown += !row.hidden;
				}
			});
			told.textContent = shown + " of " + findings + " findings shown";
		};

		input.addEventListener("input", () => {
			wanted.text = input.value.trim().toLowerCase();
			changed();
		});
		clear.addEventListener("click", () => {
			all("input, select", tools).forEach(box => { box.value = ""; });
			for (const name in wanted)
				wanted[name] = "";
			changed();
			input.focus();
		});
		label.append(input);
		tools.append(label);
		for (const name in choices)
			tools.append(select(name, choices[name], wanted, changed) || "");
		tools.append(clear, told);
		document.getElementById("main").prepend(tools);
	}

	/* ---- copying ---- */

	function copy(text) {
		if (navigator.clipboard && window.isSecureContext)
			return navigator.clipboard.writeText(text);
		const box = make("textarea", "", { readonly: "", "aria-hidden": "true" });

		box.value = text;
		document.body.append(box);
		box.select();
		const copied = document.execCommand("copy");
		box.remove();
		return copied ? Promise.resolve() : Promise.reject(new Error("not copied"));
	}

	function stackText(details) {
		const frames = all(".frames > li", details);

		return all("summary", details)[0].textContent.trim() + "\n" +
			frames.map((li, i) => "  #" + i + " " + li.textContent.trim()).join("\n") + "\n";
	}

	function addCopy(details, text, what) {
		const button = make("button", "Copy " + what, { type: "button", class: "copy" });

		button.addEventListener("click", () => {
			copy(text()).then(
				() => { button.textContent = "Copied"; },
				() => { button.textContent = "Copying is not allowed here"; }
			).then(() => setTimeout(() => { button.textContent = "Copy " + what; }, 1500));
		});
		details.append(button);
	}

	/* ---- links to findings ---- */

	function follow() {
		const id = decodeURIComponent(location.hash.slice(1));
		const target = id && document.getElementById(id);

		for (let at = target; at; at = at.parentElement)
			if (at.tagName === "DETAILS")
				at.open = true;
		if (target && target.hidden)
			document.getElementById("filter-clear").click();
		if (target)
			target.scrollIntoView();
	}

	function openForPrint() {
		all("details.stack").forEach(details => { details.open = true; });
	}

	all("table").filter(table => table.tHead).forEach(makeSortable);
	if (rows.length)
		makeFilter();
	all("details.stack").forEach(d => addCopy(d, () => stackText(d), "stack"));
	all("details.suppression").forEach(d =>
		addCopy(d, () => d.querySelector("pre").textContent, "suppression"));
	window.addEventListener("hashchange", follow);
	window.addEventListener("beforeprint", openForPrint);
	if (location.hash)
		follow();
})();
