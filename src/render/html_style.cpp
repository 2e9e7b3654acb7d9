// The style sheet and the hatchings: content is told by lightness and hatching, and labelled.
#include "render/html_sections.hpp"

namespace salvage::render {
namespace {

constexpr std::string_view sheet =
    R"css(*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--text);font:14px/20px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
overflow-wrap:anywhere}
header,main,footer,nav{max-width:1200px;margin:0 auto;padding:0 16px}
header p,footer p{margin:0;padding:12px 0;color:var(--faint)}
nav ul{display:flex;flex-wrap:wrap;gap:4px 16px;margin:0;padding:0 0 12px;list-style:none}
a{color:var(--accent)}
a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
h1{font-size:32px;line-height:40px;margin:0 0 8px;font-weight:650}
h2{font-size:20px;line-height:28px;margin:40px 0 8px;border-bottom:1px solid var(--soft);padding-bottom:4px}
h3{font-size:14px;line-height:20px;margin:24px 0 8px}
p{margin:8px 0;max-width:80ch}
main ul{margin:8px 0;padding-left:20px}
code,.hex{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:12px;line-height:16px}
.faint{color:var(--faint);font-size:12px;line-height:16px}
.verdict{border-left:6px solid var(--line);background:var(--raised);padding:16px 24px}
.verdict p{font-size:16px;line-height:24px;margin:8px 0}
.verdict p.faint{font-size:12px}
.verdict code{font-size:14px;line-height:20px}
.good{border-color:var(--good)}.ask{border-color:var(--accent)}.warn{border-color:var(--warn)}.bad{border-color:var(--danger)}
.s-error{color:var(--danger);font-weight:600}.s-warning{color:var(--warn);font-weight:600}
table{border-collapse:collapse;width:100%;margin:8px 0;font-size:12px;line-height:16px}
caption{text-align:left;color:var(--faint);padding:4px 0}
th,td{text-align:left;vertical-align:top;padding:4px 8px;border-bottom:1px solid var(--soft)}
thead th{border-bottom:1px solid var(--line);font-weight:600}
tbody th{font-weight:600;min-width:7rem}
thead th,th code,.s-error,.s-warning,.s-note{white-space:nowrap}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
figure{margin:8px 0}
figcaption{color:var(--faint);font-size:12px;line-height:16px;margin-top:8px;max-width:100ch}
svg{display:block}
svg text{fill:var(--text);font-size:12px}
.axis{display:flex;justify-content:space-between;font-size:12px;line-height:16px;color:var(--faint);font-variant-numeric:tabular-nums}
.ground{fill:var(--raised)}
.frame rect{fill:none;stroke:var(--line);stroke-width:1}
.r-boot{fill:#0072b2}.r-system{fill:#56b4e9}.r-data{fill:#009e73}.r-keys{fill:#e69f00}.r-radio{fill:#cc79a7}
.r-reserved{fill:#8c8c8c}.r-unknown{fill:url(#h-unknown)}
g>rect[class^=r-]{stroke:var(--ground);stroke-width:1}
.c-enc{fill:url(#h-enc)}.c-plain{fill:var(--plain)}.c-zero{fill:url(#h-zero)}.c-hole{fill:url(#h-hole)}
.c-bad{fill:url(#h-bad)}.c-none{fill:var(--raised)}
.trouble{fill:var(--danger);stroke:var(--danger);stroke-width:2}
.entropy{fill:var(--faint)}
.legend{list-style:none;padding:0!important;display:flex;flex-wrap:wrap;gap:4px 24px}
.legend li{display:flex;gap:8px;align-items:center}
.legend:not(.roles){flex-direction:column}
.swatch{flex:none;border:1px solid var(--line)}
.strip{list-style:none;margin:8px 0;padding:0;display:flex;flex-wrap:wrap;gap:8px}
.tile{border:1px solid var(--soft);padding:4px 6px;font-size:12px;line-height:16px;max-width:100%;overflow:hidden}
.tile b,.tile span{display:block}
.tile svg:not(.band){border:1px solid var(--line);margin:2px 0}
.band{margin:0 0 4px}
.hex{margin:8px 0;overflow:hidden}
.hex .row{display:flex;flex-wrap:wrap}
.hex .at{color:var(--faint);margin-right:2ch}
.half{white-space:pre;margin-right:2ch}
.ascii{color:var(--faint)}
.f0,.f1,.f2,.f3,.f4{border-bottom:1px solid var(--line)}
.f0{background:var(--f0)}.f1{background:var(--f1)}.f2{background:var(--f2)}.f3{background:var(--f3)}.f4{background:var(--f4)}
@media (max-width:720px){
h1{font-size:24px;line-height:32px}
.verdict{padding:12px 16px}
table,tbody,tr,th,td,caption{display:block}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody tr{border:1px solid var(--soft);margin:8px 0;padding:4px 8px}
tbody th,tbody td{border:0;min-width:0;padding:2px 0;display:grid;grid-template-columns:104px minmax(0,1fr);gap:8px;text-align:left}
tbody th::before,tbody td::before{content:attr(data-label);color:var(--faint);font-weight:400}
tbody .n{text-align:left;white-space:normal}
tbody td:has(div:empty){display:none}
.hex .at{width:100%}
.legend li{align-items:flex-start}
}
@media print{
:root{--ground:#fff;--raised:#fff;--text:#000;--faint:#444;--line:#666;--soft:#bbb;--accent:#000;--good:#116329;--warn:#7a4a00;
--danger:#b3141d;--enc:#b8860b;--plain:#3f5a80;--zero:#0b2545;--hatch:#444;
--f0:#dbe9ff;--f1:#fff0c7;--f2:#d7f5df;--f3:#fde0e6;--f4:#e8e2fb}
@page{size:A4;margin:15mm}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{font-size:10pt;line-height:14pt}
header,main,footer{max-width:none;padding:0}
nav{display:none}
h1{font-size:18pt;line-height:24pt}
h2,h3{break-after:avoid}
tr,.tile,figure,.verdict{break-inside:avoid}
table,.hex,code,.faint{font-size:8pt;line-height:11pt}
th,td{padding:2pt 4pt}
thead{display:table-header-group}
}
)css";

constexpr std::string_view patterns =
    R"svg(<svg width="0" height="0" style="position:absolute" aria-hidden="true" focusable="false"><defs>
<pattern id="h-enc" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" style="fill:var(--enc)"/><path d="M1 0V6" style="stroke:var(--zero);stroke-width:1;stroke-opacity:.55"/></pattern>
<pattern id="h-zero" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" style="fill:var(--zero)"/><circle cx="4" cy="4" r="1" style="fill:#fff;fill-opacity:.6"/></pattern>
<pattern id="h-hole" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" style="fill:var(--ground)"/><path d="M-2 10L10 -2M-2 2L2 -2M6 10L10 6" style="stroke:var(--hatch);stroke-width:1.5"/></pattern>
<pattern id="h-bad" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" style="fill:var(--danger)"/><path d="M0 0L8 8M8 0L0 8" style="stroke:var(--ground);stroke-width:1.2"/></pattern>
<pattern id="h-unknown" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" style="fill:var(--ground)"/><path d="M0 3H6" style="stroke:var(--line);stroke-width:1.5"/></pattern>
</defs></svg>
)svg";

} // namespace

std::string_view style_sheet() noexcept
{
    return sheet;
}

std::string_view hatchings() noexcept
{
    return patterns;
}

} // namespace salvage::render
