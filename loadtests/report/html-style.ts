/**
 * The report's whole style. Colours are Okabe-Ito hues, darkened on white until text reaches 4.5:1
 * and lines 3:1; dark follows the system. Green and red never stand alone: each status is also a
 * word and an icon.
 */
export const reportStyle = `
:root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1c2128;--soft:#57606a;--rule:#e3e5e8;--grid:#eceef0;
--pass:#00694e;--pass-tint:#e8f4f0;--fail:#b03a00;--fail-tint:#fcefe8;--insufficient:#86427a;--insufficient-tint:#f7edf5;
--a:#0063a1;--b:#7d5300;--c:#a34a8f;--band:#f4f5f7;--band-hold:#e9f1f8;--shadow:0 1px 2px rgb(20 30 40/.05)}
@media(prefers-color-scheme:dark){:root{--page:#0d1117;--card:#151b23;--ink:#e6eaef;--soft:#9aa5b1;--rule:#2a323c;--grid:#232a33;
--pass:#2fc49a;--pass-tint:#10261f;--fail:#ff8a4c;--fail-tint:#2d1a10;--insufficient:#e0a0cd;--insufficient-tint:#291a26;
--a:#58b5f0;--b:#e8a63a;--c:#dc8fc4;--band:#12171e;--band-hold:#15222e;--shadow:none}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
font-variant-numeric:tabular-nums}
main,header.top,footer{max-width:1120px;margin:0 auto;padding:0 32px}
header.top{display:flex;justify-content:space-between;gap:24px;padding-top:28px;color:var(--soft);font-size:13px}
header.top strong{color:var(--ink);letter-spacing:.08em}
h1{font-size:30px;line-height:1.2;margin:0;font-weight:650;letter-spacing:-.015em}
h2{font-size:19px;margin:56px 0 16px;font-weight:620;letter-spacing:-.01em}
h3{font-size:15px;margin:0 0 4px;font-weight:620}
p{margin:0 0 12px;max-width:78ch}
.soft,.note{color:var(--soft)}
.note{font-size:13px}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em;overflow-wrap:anywhere}
.card{background:var(--card);border:1px solid var(--rule);border-radius:10px;box-shadow:var(--shadow);padding:24px 28px}
.verdict{margin-top:20px;border-left:6px solid var(--tone);padding:30px 34px;background:linear-gradient(var(--tint),var(--tint)),var(--card)}
.verdict .word{color:var(--tone);font-weight:700;font-size:15px;letter-spacing:.09em;display:flex;align-items:center;gap:10px;margin-bottom:10px}
.verdict .word .icon{font-size:22px;line-height:1}
.verdict .say{font-size:17px;margin:12px 0 0;max-width:70ch}
.verdict ul{margin:14px 0 0;padding-left:20px}
.pass{--tone:var(--pass);--tint:var(--pass-tint)}.fail{--tone:var(--fail);--tint:var(--fail-tint)}
.insufficient{--tone:var(--insufficient);--tint:var(--insufficient-tint)}
th code,td code{overflow-wrap:break-word}
.status{color:var(--tone);font-weight:600;white-space:nowrap}
.status .icon{display:inline-block;width:1.3em}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{text-align:left;color:var(--soft);font-size:13px;padding:0 0 10px}
th,td{padding:9px 14px 9px 0;text-align:left;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:550;color:var(--soft);font-size:13px;white-space:nowrap}
tbody th{color:var(--ink);font-weight:480;font-size:14px;white-space:normal}
tr:last-child>td,tbody tr:last-child>th{border-bottom:0}
.number{text-align:right;white-space:nowrap}
td.number+td:not(.number),th.number+th:not(.number){padding-left:14px}
td.number:last-child,th.number:last-child{padding-right:0}
.bad{color:var(--fail);font-weight:600}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:16px}
.tile{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:18px 20px;box-shadow:var(--shadow)}
.tile .label{color:var(--soft);font-size:13px}
.tile .figure{font-size:27px;font-weight:620;letter-spacing:-.02em;line-height:1.3}
.tile .aside{color:var(--soft);font-size:13px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:16px;margin-top:16px}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));gap:18px 28px;margin:0}
dt{color:var(--soft);font-size:13px}dd{margin:1px 0 0;overflow-wrap:anywhere}
figure{margin:0 0 16px}
figure .head{margin-bottom:10px}figure p{margin:0;font-size:13px;color:var(--soft);max-width:120ch}
.chart{display:block;width:100%;height:auto;min-width:680px;overflow:visible}
.chart text{font-size:12px;fill:var(--soft);font-family:inherit}
.grid{stroke:var(--grid)}
.line{fill:none;stroke:var(--tone);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.area{fill:var(--tone);opacity:.1}
.series-a{--tone:var(--a)}.series-b{--tone:var(--b)}.series-c{--tone:var(--c)}
.chart .end-label{fill:var(--tone);font-weight:600}
.band{fill:none}.band-hold{fill:var(--band-hold);opacity:.75}.band-ramp,.band-drain{fill:var(--band)}
.chart .band-label{font-size:11px;letter-spacing:.04em}
.column{fill:var(--a);opacity:.85}.column-failed{fill:var(--fail)}
.mark{stroke:var(--ink);stroke-dasharray:3 3}.chart .mark-label{fill:var(--ink);font-size:11.5px;font-weight:600}
.limit{stroke:var(--fail);stroke-dasharray:7 4}.chart .limit-label{fill:var(--fail);font-size:11.5px}
.hover{fill:transparent}.hover:hover{fill:var(--ink);opacity:.06}
details{margin-top:12px;font-size:13px}
summary{cursor:pointer;color:var(--a);width:fit-content;padding:4px 0}
details .scroll{max-height:340px;overflow:auto;margin-top:8px}
details table{font-size:13px}details th,details td{padding:5px 14px 5px 0}
pre{background:var(--page);border:1px solid var(--rule);border-radius:8px;padding:12px 14px;font-size:12.5px;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;margin:8px 0 0}
a{color:var(--a)}
a:focus-visible,summary:focus-visible{outline:2px solid var(--a);outline-offset:3px;border-radius:3px}
.empty{color:var(--soft);margin:0}
footer{color:var(--soft);font-size:13px;padding-top:40px;padding-bottom:56px}
@media(max-width:640px){main,header.top,footer{padding-left:16px;padding-right:16px}.card,.verdict{padding:20px}
.stack thead{display:none}.stack tr{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 16px;padding:9px 0;border-bottom:1px solid var(--rule)}.stack tr:last-child{border-bottom:0}
.stack tbody th{flex:1 0 100%;padding:0;border:0}.stack td{padding:0;border:0}.stack td.number+td:not(.number){padding-left:0}
.stack td:not(:empty)::before{content:attr(data-title) " ";color:var(--soft);font-weight:400}.pair{grid-template-columns:1fr}h1{font-size:24px}}
@media print{:root{--page:#fff;--card:#fff;--ink:#000;--soft:#444;--rule:#ccc;--grid:#e5e5e5;--shadow:none;color-scheme:light}
body{font-size:11px;print-color-adjust:exact;-webkit-print-color-adjust:exact}main,header.top,footer{max-width:none;padding-left:0;padding-right:0}
details,.download{display:none}h2{margin-top:28px;break-after:avoid}.card,.tile,figure,tr{break-inside:avoid}.chart{min-width:0}}
`;
