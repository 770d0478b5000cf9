"""The picture of docs/performance.md: a message's CPU time as one bar for each role, on one scale."""
import html

ROLES = ["vault", "gateway", "steward"]
COLOURS = {"RSA signature": "#b4552d", "own code": "#2d6a8f", "libc": "#6fa3bf", "hashes and TLS (libcrypto)": "#8a6fb0",
           "other libraries": "#b9a44c", "kernel: sockets": "#5c8a5c", "kernel: disk": "#93b57a",
           "kernel: waiting and waking": "#b8cfa8", "kernel: interrupts, switches": "#d5dfcc"}
LIGHT = {"kernel: disk", "kernel: waiting and waking", "kernel: interrupts, switches", "libc", "other libraries"}
WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 860, 90, 80, 40, 24, 48


def role_rank(name):
    return ROLES.index(name.split(":")[0])


def text(x, y, words, anchor="start", size=13, weight="normal", fill="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
            f'fill="{fill}">{html.escape(words)}</text>')


def bar(costs, role, y, scale):
    """The segments of one role, largest first, and its sum behind them."""
    parts = sorted(((name.split(": ", 1)[1], value) for name, value in costs["parts"].items()
                    if name.startswith(role + ":")), key=lambda each: -each[1])
    x, out = LEFT, [text(LEFT - 10, y + BAR / 2 + 5, role, "end", weight="bold")]
    for part, value in parts:
        width = value * scale
        out.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.2f}" height="{BAR}" fill="{COLOURS[part]}" '
                   f'stroke="#fff" stroke-width="0.6"><title>{html.escape(part)}: {value:.1f} µs</title></rect>')
        if width > 26:
            out.append(text(x + width / 2, y + BAR / 2 + 5, f"{value:.0f}", "middle", 12, fill="#222" if part in LIGHT else "#fff"))
        x += width
    out.append(text(x + 8, y + BAR / 2 + 5, f"{sum(value for _, value in parts):.0f} µs", weight="bold"))
    return out


def legend(names, y):
    out, x = [], LEFT
    for name in names:
        width = 30 + 6.7 * len(name)
        if x + width > WIDTH - 10:
            x, y = LEFT, y + 24
        out.append(f'<rect x="{x}" y="{y - 11}" width="13" height="13" fill="{COLOURS[name]}"/>')
        out.append(text(x + 19, y, name, size=12))
        x += width
    return out, y


def draw(costs):
    sums = {role: sum(value for name, value in costs["parts"].items() if name.startswith(role + ":")) for role in ROLES}
    scale = (WIDTH - LEFT - RIGHT) / max(sums.values())
    how = "TLS in and out" if costs["tls"] else "no TLS"
    body = [text(LEFT, 24, f"CPU time of one message of 4 KB, 20 sessions, {how}: {sum(sums.values()):.0f} µs", size=15, weight="bold")]
    for place, role in enumerate(ROLES):
        body += bar(costs, role, TOP + place * (BAR + GAP), scale)
    used = {name.split(": ", 1)[1] for name in costs["parts"]}
    keys, bottom = legend([name for name in COLOURS if name in used], TOP + len(ROLES) * (BAR + GAP) + 12)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 16}" font-family="sans-serif" role="img" '
            f'aria-label="CPU time of one message, by role and part">\n'
            f'<rect width="{WIDTH}" height="{bottom + 16}" fill="#fff"/>\n' + "\n".join(body + keys) + "\n</svg>\n")
