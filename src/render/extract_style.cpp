#include "render/extract_style.hpp"

namespace salvage::render {
namespace {

constexpr std::string_view sheet =
    R"css(:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:14px/20px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:1200px;margin:0 auto;padding:8px 16px}
a{color:var(--accent)}
a:focus-visible,input:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
h1{font-size:32px;line-height:40px;margin:8px 0}
h2{font-size:20px;line-height:28px;margin:32px 0 8px}
p{margin:8px 0;max-width:80ch}
.faint,footer{color:var(--faint);font-size:12px;line-height:16px}
.problem{color:var(--danger)}
.pre{white-space:pre-wrap}
nav{display:flex;gap:16px;flex-wrap:wrap;padding:8px 0}
.cards{list-style:none;margin:16px 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:16px}
.cards li{border:1px solid var(--soft);background:var(--raised);padding:16px}
.cards b{display:block;font-size:20px;line-height:28px;font-variant-numeric:tabular-nums}
input[type=search]{width:100%;max-width:640px;font:inherit;padding:8px;border:1px solid var(--line);background:var(--ground);color:var(--text)}
.hits{list-style:none;padding:0;min-height:24px}
.hits li{border-bottom:1px solid var(--soft);padding:8px 0}
.hits span{display:block;color:var(--faint);font-size:12px;line-height:16px}
table{border-collapse:collapse;width:100%;font-size:12px;line-height:16px}
th,td{text-align:start;vertical-align:top;padding:4px 8px;border-bottom:1px solid var(--soft)}
thead th{border-bottom:1px solid var(--line);overflow-wrap:normal}
td img,th img{width:48px;height:48px;object-fit:cover;display:block}
.talk{list-style:none;margin:16px 0;padding:0;display:flex;flex-direction:column;gap:8px}
.talk li{max-width:70%;padding:8px 12px;background:var(--raised);border:1px solid var(--soft);align-self:flex-start}
.talk li.own{align-self:flex-end;background:var(--f0)}
.talk .who{font-weight:600;margin:0}
.talk img,.talk video{max-width:320px;max-height:320px;display:block;margin:8px 0}
summary{cursor:pointer;color:var(--faint);font-size:12px;line-height:16px;font-variant-numeric:tabular-nums}
.tiles{list-style:none;margin:16px 0;padding:0;display:flex;flex-wrap:wrap;gap:8px}
.tiles li{margin:0;min-width:80px}
.tiles img,.tiles video{width:100%;height:160px;object-fit:cover;background:var(--raised);display:block}
.tiles .broken{outline:2px dashed var(--danger);outline-offset:-2px}
.tiles .end{flex-grow:1000;flex-basis:0;height:0}
@media (max-width:720px){h1{font-size:24px;line-height:32px}.talk li{max-width:90%}
table,tbody,tr,th,td{display:block}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{border:1px solid var(--soft);margin:8px 0}th,td{border:0}
th::before,td::before{content:attr(data-label);color:var(--faint);display:block;font-weight:400}}
@media print{.tiles img{height:120px}nav,input{display:none}}
)css";

// Entries are text and stay text: nothing is ever made markup of.
constexpr std::string_view script =
    R"js("use strict";(function(){
var entries=JSON.parse(document.getElementById("entries").textContent);
var box=document.getElementById("q"),hits=document.getElementById("hits"),count=document.getElementById("count");
function plain(s){return s.normalize("NFKD").replace(/[\u0300-\u036f]/g,"").toLowerCase();}
var folded=null;
function find(){
var words=plain(box.value).split(/\s+/).filter(function(w){return w;});
hits.textContent="";count.textContent="";
if(!words.length)return;
if(!folded)folded=entries.map(function(e){return plain(e[0]+" "+e[1]);});
var found=0,shown=200;
for(var i=0;i<entries.length;i++){
if(!words.every(function(w){return folded[i].indexOf(w)>=0;}))continue;
found++;if(found>shown)continue;
var item=document.createElement("li"),link=document.createElement("a"),more=document.createElement("span");
link.href="./"+entries[i][2];link.textContent=entries[i][0]||"(without a name)";link.dir="auto";
more.textContent=entries[i][1];more.dir="auto";
item.appendChild(link);item.appendChild(more);hits.appendChild(item);}
count.textContent=found===0?"Nothing of that is in the list.":found>shown?found+" found, the first "+shown+" are shown.":found+" found.";}
box.addEventListener("input",find);
document.getElementById("search").hidden=false;
})();)js";

} // namespace

std::string_view extract_style() noexcept
{
    return sheet;
}

std::string_view extract_script() noexcept
{
    return script;
}

} // namespace salvage::render
