// How the site's search orders what it finds: guides first, then references, then decisions, results and changes.
var Scorer = {
  score: function (result) {
    const page = result[0];
    const score = result[4];
    if (/^docs\/(architecture|inside|notation|index)$/.test(page)) return score - 4;
    if (/^docs\/coming-from\//.test(page)) return score + 4;
    if (/^docs\/guide\/|^docs\/[\w-]+$/.test(page)) return score + 8;
    if (/^docs\/decisions\/|^benchmarks\/|^CHANGELOG$|^CONTRIBUTING$/.test(page)) return score - 20;
    return score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
