// Tells the frame around the page, as json, how the page is laid out.
addEventListener('load', () => {
  const root = document.documentElement
  const name = element => element.outerHTML.slice(0, 80)
  const texts = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (!walker.currentNode.data.trim() || element.closest('script, style, .hidden, details > :not(summary)')) continue
    const matrix = element.ownerSVGElement ? element.getScreenCTM() : { a: 1, b: 0 }
    const size = parseFloat(getComputedStyle(element).fontSize) * Math.hypot(matrix.a, matrix.b)
    texts.push({ name: name(element), size })
  }
  const colour = value => value.match(/[\d.]+/g).map(Number)
  const luminance = rgb => {
    const [r, g, b] = rgb.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = element => {
    for (; element; element = element.parentElement) {
      const back = colour(getComputedStyle(element).backgroundColor)
      if (back.length === 3 || back[3] > 0) return back
    }
    return [255, 255, 255]
  }
  const contrast = element => {
    const style = getComputedStyle(element)
    const front = colour(element.ownerSVGElement ? style.fill : style.color)
    // a label of a picture stands on its tag
    const tag = element.previousElementSibling
    const back = element.closest('.picture') ? colour(getComputedStyle(tag).fill) : behind(element)
    const [low, high] = [luminance(front), luminance(back)].sort((a, b) => a - b)
    return (high + 0.05) / (low + 0.05)
  }
  const pale = [...document.querySelectorAll('body *')].filter(element =>
    [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())
    && !element.closest('script, style') && contrast(element) < 4.5)
  const drawn = [...document.querySelectorAll('svg, image')].map(element => [element, element.getBoundingClientRect()])
  const figures = [...document.querySelectorAll('.figures svg:not(.swatch)')]
  const cut = figures.flatMap(svg => {
    const box = svg.getBoundingClientRect()
    return [...svg.querySelectorAll('text')].filter(text => {
      const inside = text.getBoundingClientRect()
      return inside.left < box.left - 1 || inside.right > box.right + 1 || inside.bottom > box.bottom + 1
    }).map(name)
  })
  const spilt = [...document.querySelectorAll('.picture g')].filter(group => group.querySelector('.tag')).filter(group => {
    const tag = group.querySelector('.tag').getBoundingClientRect()
    const text = group.querySelector('text').getBoundingClientRect()
    return text.left < tag.left || text.right > tag.right
  }).map(name)
  const wide = [...document.querySelectorAll('body *')].filter(element =>
    element.getBoundingClientRect().right > root.clientWidth + 1 && !element.closest('svg, .scroll, pre, .hidden'))
  parent.postMessage(JSON.stringify({
    width: root.clientWidth,
    scrolled: root.scrollWidth,
    wide: wide.map(name),
    small: texts.filter(text => text.size < 12).map(text => `${text.size} ${text.name}`),
    texts: texts.length,
    pale: pale.map(element => `${contrast(element).toFixed(2)} ${name(element)}`),
    flat: drawn.filter(([, box]) => !(box.width > 0 && box.height > 0)).map(([element]) => name(element)),
    drawn: drawn.length,
    cut,
    spilt,
    dark: matchMedia('(prefers-color-scheme: dark)').matches,
  }), '*')
})
