/** A self-contained page that renders `/openapi.json`: no network beyond this server, no dependency. */
export const docsPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="icon" href="data:,"><title>Avalo API</title><style>
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2rem;text-transform:capitalize}details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0}
summary{padding:.5rem .8rem;cursor:pointer;display:flex;gap:.8rem;align-items:baseline;flex-wrap:wrap}
summary:focus-visible{outline:2px solid}b{font:600 .8rem ui-monospace,monospace;min-width:4rem}
code,pre{font:.85rem/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.6rem;overflow:auto;border-radius:4px}
.in{padding:0 .8rem .8rem}.lock{opacity:.7;font-size:.85rem}#about{white-space:pre-line}</style></head>
<body><h1>Avalo API</h1><p id="about"></p><p><a href="/openapi.json">openapi.json</a></p><main id="list" aria-live="polite">Loading</main>
<script>
const el=(tag,text)=>{const node=document.createElement(tag);if(text!==undefined)node.textContent=text;return node};
const pre=(title,value)=>{const box=el('div');box.append(el('h4',title),el('pre',JSON.stringify(value,null,2)));return box};
fetch('/openapi.json').then(r=>r.json()).then(doc=>{
  const resolve=v=>v&&v.$ref?doc.components.schemas[v.$ref.split('/').pop()]:v;
  document.getElementById('about').textContent=doc.info.description;
  const groups={};
  for(const [path,ops] of Object.entries(doc.paths))for(const [method,op] of Object.entries(ops))(groups[op.tags[0]]??=[]).push({path,method,op});
  const list=document.getElementById('list');list.textContent='';
  for(const [name,items] of Object.entries(groups)){
    list.append(el('h2',name));
    for(const {path,method,op} of items){
      const box=el('details'),head=el('summary'),inner=el('div');inner.className='in';
      head.append(el('b',method.toUpperCase()),el('code',path),el('span',op.summary));
      if(op.security){const lock=el('span',op.security[0].bearer?.includes('admin')?'needs an admin token':'needs a token');lock.className='lock';head.append(lock)}
      if(op.description)inner.append(el('p',op.description));
      if(op.parameters)inner.append(pre('Parameters',op.parameters));
      const body=op.requestBody?.content?.['application/json'];if(body)inner.append(pre('Body',resolve(body.schema)));
      for(const [status,reply] of Object.entries(op.responses)){
        const content=Object.values(reply.content??{})[0];
        inner.append(content?pre(status,resolve(content.schema)):el('p',status+': '+reply.description));
      }
      box.append(head,inner);list.append(box);
    }
  }
}).catch(error=>{document.getElementById('list').textContent='Could not load: '+error.message});
</script></body></html>
`;
