#include "tempera/apps/report/style.hpp"

#include <fmt/format.h>

#include "tempera/apps/report/palette.hpp"

namespace tempera::cli::report {
namespace {

constexpr std::string_view kChartRules = R"css(
.chart{display:block;width:100%;height:auto;overflow:visible;font:12px/1.2 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums}
svg text{fill:var(--ink)}
svg .tick,svg .axis,svg .on-apart{fill:var(--muted)}
svg .heading{font-size:14px;font-weight:600}
svg .name{font-weight:700}
svg .value{font-size:11px}
.plot{fill:none}
.grid{fill:none;stroke:var(--rule)}
.base{fill:none;stroke:var(--muted)}
.line{fill:none;stroke-linejoin:round;stroke-linecap:round}
.dashed{stroke-dasharray:7 5}
.band{opacity:.18}
.dot{stroke:var(--page)}
.run{opacity:.55}
.mark{fill:none;stroke:var(--ink);stroke-dasharray:2 3}
.halo{paint-order:stroke;stroke:var(--page);stroke-width:4px;stroke-linejoin:round}
.cell{stroke:var(--page)}
.apart{fill:var(--surface)}
.quiet{fill:var(--quiet)}
.interval{fill:none;stroke-width:7;opacity:.35}
.mean{fill:none;stroke:var(--ink);stroke-width:2}
.digit{image-rendering:pixelated;filter:invert(1)}
)css";

constexpr std::string_view kDark = "@media screen and (prefers-color-scheme:dark)";

}  // namespace

std::string chart_style() {
  std::string out = fmt::format(":root{{color-scheme:light dark;{}}}\n", variables(Theme::light));
  out += kChartRules;
  for (std::size_t i = 0; i < kSeriesColors; ++i) {
    out += fmt::format("svg .f{0}{{fill:var(--s{0})}}svg .l{0}{{stroke:var(--s{0})}}", i);
  }
  out += fmt::format("\n{}\n", heat_rules(Theme::light));
  out += fmt::format("{}{{:root{{{}}}.digit{{filter:none}}\n{}}}\n", kDark, variables(Theme::dark),
                     heat_rules(Theme::dark));
  return out;
}

constexpr std::string_view kPageStyle = R"css(
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans",sans-serif;overflow-wrap:break-word}
header,main,footer,nav ul{max-width:1120px;margin:0 auto;padding:0 clamp(16px,4vw,40px)}
.fallback{margin:0;padding:16px clamp(16px,4vw,40px);background:var(--alarm);color:var(--alarm-ink);border-bottom:3px solid var(--alarm-ink)}
.fallback strong{display:block;font-size:1.2rem;line-height:1.3}
.skip{position:absolute;left:-9999px}
.skip:focus{left:8px;top:8px;padding:8px 12px;background:var(--page);color:var(--accent);z-index:1}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
header{padding-top:40px;padding-bottom:20px}
.kicker{margin:0;color:var(--muted);font-size:.875rem;letter-spacing:.02em}
h1{margin:2px 0 6px;font-size:clamp(1.6rem,5vw,2.3rem);line-height:1.2;letter-spacing:-.02em;font-weight:680}
h2{margin:0 0 10px;font-size:1.35rem;line-height:1.3;letter-spacing:-.01em;font-weight:650}
.badge{display:inline-block;margin-right:8px;padding:1px 10px;border:1px solid var(--rule);border-radius:99px;background:var(--surface);font-size:.875rem}
.badge.bad{background:var(--alarm);color:var(--alarm-ink);border-color:var(--alarm-ink)}
.facts{margin:0;color:var(--muted)}
nav{border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}
nav ul{display:flex;flex-wrap:wrap;gap:2px 22px;padding-top:10px;padding-bottom:10px;list-style:none;font-size:.9rem}
a{color:var(--accent);text-underline-offset:3px}
nav a{display:inline-block;padding:4px 0;text-decoration:none}
nav a:hover{text-decoration:underline}
section{padding:36px 0 12px}
section+section{border-top:1px solid var(--rule)}
section>p{max-width:70ch;margin:0 0 18px}
.note{color:var(--muted);font-size:.9rem}
figure{margin:0;min-width:0}
figcaption{margin:0 0 8px;font-weight:600;font-size:.95rem;line-height:1.4}
.multiples{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:28px 36px;margin:8px 0 20px}
.multiples>figure{max-width:440px}
.multiples.narrow{grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:20px 18px}
.multiples.narrow figcaption{font-size:.875rem}
.one{max-width:430px;margin:8px 0 20px}
.tiles{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:12px;margin:8px 0 20px;padding:0;list-style:none}
.tiles li{padding:14px 16px;background:var(--surface);border-radius:8px;min-width:0}
.tiles b{display:block;font-size:1.6rem;line-height:1.25;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tiles span{display:block;color:var(--muted);font-size:.875rem;line-height:1.4}
.beside{display:grid;grid-template-columns:148px minmax(0,1fr);gap:16px 36px;align-items:start}
.subject img{display:block;width:100%;max-width:148px;height:auto}
.digit{background:#000}
.subject figcaption{margin:8px 0 0;font-weight:400;font-size:.875rem;color:var(--muted)}
.wrongs{display:grid;grid-template-columns:repeat(auto-fill,minmax(94px,1fr));gap:18px 14px;margin:8px 0 20px;padding:0;list-style:none}
.wrongs img{display:block;width:100%;max-width:112px;height:auto}
.wrongs span{display:block;font-size:.875rem;line-height:1.45}
.wrongs .quieter{color:var(--muted);font-size:.8125rem}
.try{margin:8px 0 20px;padding:16px;background:var(--surface);border-radius:8px;max-width:640px}
.try label{display:block;font-weight:600}
.try input{display:block;width:100%;margin:10px 0 12px;accent-color:var(--accent);height:28px}
.try-bars{display:grid;grid-template-columns:fit-content(40%) minmax(0,1fr) 5.4em;overflow-wrap:anywhere;gap:0 12px;align-items:center;font-size:.875rem;line-height:1.5;font-variant-numeric:tabular-nums}
.try-p{text-align:right;white-space:nowrap}
.try-bar{display:block;height:12px;min-width:1px;border-radius:2px;background:var(--s0)}
details{margin:0 0 14px}
summary{cursor:pointer;padding:4px 0;color:var(--accent);font-size:.9rem}
.scroll{overflow-x:auto;max-width:100%}
.scroll.tall{max-height:70vh;overflow-y:auto}
table{border-collapse:collapse;font-size:.875rem;line-height:1.45;font-variant-numeric:tabular-nums;margin:4px 0 12px}
caption{text-align:left;color:var(--muted);padding-bottom:6px}
th,td{padding:5px 14px 5px 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule);font-weight:400;vertical-align:top}
thead th{color:var(--muted);font-weight:600}
th:first-child,th.word,td.word{text-align:left}
.words td{white-space:normal;overflow-wrap:anywhere}
pre{margin:4px 0 12px;padding:16px;background:var(--surface);border-radius:8px;overflow-x:auto;font:.8125rem/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;tab-size:2}
footer{padding-top:24px;padding-bottom:48px;color:var(--muted);font-size:.875rem}
@media (min-width:800px){.tiles{grid-template-columns:repeat(4,minmax(0,1fr))}}
@media (max-width:620px){.beside{grid-template-columns:minmax(0,1fr)}.subject img{max-width:112px}section{padding-top:28px}header{padding-top:28px}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{
@page{margin:14mm}
body{font-size:10.5pt}
nav,.skip,.try,details:not(.printed){display:none}
header,main,footer{max-width:none;padding-left:0;padding-right:0}
header{padding-top:0}
section{padding-top:16pt}
h2{break-after:avoid}
figure,.tiles li,.wrongs li,tr{break-inside:avoid}
.multiples{grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:14px 20px}
.multiples.narrow{grid-template-columns:repeat(6,minmax(0,1fr));gap:10px}
.wrongs{grid-template-columns:repeat(auto-fill,minmax(104px,1fr))}
.wrongs img{max-width:76px}
.printed::details-content{content-visibility:visible;display:block;height:auto}
.scroll,.scroll.tall,pre{overflow:visible;max-height:none}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:8pt;padding:0;background:none}
.fallback,.badge,.tiles li,.chart,.digit{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
)css";

std::string_view page_style() { return kPageStyle; }

}  // namespace tempera::cli::report
