CREATE TEMP TABLE ln ON COMMIT DROP AS
SELECT sbxh, sbxh * 1000 + 1 AS fyid, sbxh * 10 + 1 AS jsid, NULL::bigint AS cfmxid, NULL::text AS sqdh, 10006::bigint AS xmxh, '2'::text AS xmlb, '挂号费'::text AS xmmc, '13'::text AS sfxm, 1::numeric(12,4) AS dj, 1::numeric(12,4) AS sl, 1::numeric(12,2) AS je, 1::numeric(5,4) AS zfbl, '03'::text AS ybdj, NULL::text AS zxks, ghsj AS lrsj FROM v
UNION ALL SELECT sbxh, sbxh * 1000 + 2, sbxh * 10 + 1, NULL, NULL, zlxm, '2', '诊察费', '02', zlf, 1, zlf, CASE WHEN zlxm = 10003 THEN 0.1 ELSE 0 END, '01', NULL, ghsj FROM v
UNION ALL SELECT r.sbxh, r.sbxh * 1000 + 10 + k, r.sbxh * 10 + 2, cfid * 20 + k, NULL, ypxh, '1', ypmc, sfxm, dj, sl, round(dj * sl, 2), zfbl, ybdj, CASE WHEN herbal THEN '090904' ELSE '090901' END, v.jssj FROM rx r JOIN v USING (sbxh)
UNION ALL SELECT sbxh, sbxh * 1000 + 60 + k, sbxh * 10 + 2, NULL, sqdh, fyxh, '2', name, CASE lx WHEN '1' THEN '04' ELSE '03' END, price, 1, price, CASE lx WHEN '1' THEN 0 ELSE 0.1 END, CASE lx WHEN '1' THEN '01' ELSE '02' END, zxks, asked FROM rq
UNION ALL SELECT sbxh, sbxh * 1000 + 80, sbxh * 10 + 2, NULL, NULL, 10034, '2', '静脉采血', '05', 4.5, 1, 4.5, 0, '01', '0901', min(asked) FROM rq WHERE lx = '1' GROUP BY sbxh;
INSERT INTO ln
SELECT sbxh, sbxh * 1000 + 1, sbxh * 10 + 1, NULL::bigint, NULL::text, 10006, '2', '挂号费', '13', 1, 1, 1, 1, '03', NULL::text, ghsj FROM g WHERE cancelled
UNION ALL SELECT sbxh, sbxh * 1000 + 2, sbxh * 10 + 1, NULL, NULL, zlxm, '2', '诊察费', '02', zlf, 1, zlf, CASE WHEN zlxm = 10003 THEN 0.1 ELSE 0 END, '01', NULL, ghsj FROM g WHERE cancelled;
CREATE TEMP TABLE reg ON COMMIT DROP AS
SELECT g.sbxh, g.jzh, g.brid, g.brxz, g.ghsj, CASE WHEN g.cancelled THEN '2' ELSE '1' END AS ghzt, g.ksdm, g.ysdm, g.czgh, g.ghsj + interval '10 minutes' AS thsj, CASE WHEN g.er THEN '2' ELSE '1' END AS mjbz, v.jssj + sim.s(600 + sim.n(g.sbxh, 80, 1800)) AS paid,
  CASE WHEN back.day + interval '1 hour' < :last THEN back.day ELSE v.jssj + interval '90 minutes' END AS back_at, sim.r(g.sbxh, 81) < 0.032 AS refunded
FROM g LEFT JOIN v USING (sbxh)
LEFT JOIN LATERAL (SELECT v.jssj + CASE WHEN sim.n(g.sbxh, 82, 100) < 55 THEN interval '2 hours' WHEN sim.n(g.sbxh, 82, 100) < 85 THEN interval '1 day' * (1 + sim.n(g.sbxh, 83, 6)) ELSE interval '1 day' * (8 + sim.n(g.sbxh, 83, 12)) END AS day) back ON true;
ANALYZE ln;
ANALYZE reg;
CREATE TEMP TABLE rf ON COMMIT DROP AS
SELECT sbxh, max(fyid) AS dropped, count(*) AS lines FROM ln JOIN reg USING (sbxh) WHERE jsid % 10 = 2 AND refunded GROUP BY sbxh;
INSERT INTO ln
SELECT l.sbxh, l.fyid + 400, l.sbxh * 10 + 4, l.cfmxid, l.sqdh, l.xmxh, l.xmlb, l.xmmc, l.sfxm, l.dj, l.sl, l.je, l.zfbl, l.ybdj, l.zxks, reg.back_at
FROM ln l JOIN rf USING (sbxh) JOIN reg USING (sbxh) WHERE l.jsid % 10 = 2 AND l.fyid <> rf.dropped;
CREATE TEMP TABLE st ON COMMIT DROP AS
SELECT x.*, zje - own - pre AS inscp, CASE WHEN insured THEN round((zje - own - pre) * (0.45 + 0.2 * sim.r(sbxh, 84))::numeric, 2) ELSE 0 END AS fund
FROM (SELECT l.jsid, l.sbxh, sum(je) AS zje, coalesce(sum(je) FILTER (WHERE l.zfbl >= 1), 0) AS own, coalesce(sum(round(je * l.zfbl, 2)) FILTER (WHERE l.zfbl < 1), 0) AS pre,
  min(reg.brxz) BETWEEN '02' AND '07' AS insured, CASE l.jsid % 10 WHEN 1 THEN min(reg.ghsj) WHEN 2 THEN min(reg.paid) ELSE min(reg.back_at) END AS at
  FROM ln l JOIN reg USING (sbxh) GROUP BY l.jsid, l.sbxh) x;
ALTER TABLE st ADD acct numeric(12,2), ADD cash numeric(12,2), ADD partner bigint, ADD state text, ADD sign int DEFAULT 1;
UPDATE st SET acct = CASE WHEN insured AND sim.n(sbxh, 85, 10) < 6 THEN least(zje - fund, (20 + sim.n(sbxh, 86, 200))::numeric) ELSE 0 END,
  state = CASE WHEN (jsid % 10 = 2 AND sbxh IN (SELECT sbxh FROM rf)) OR (jsid % 10 = 1 AND sbxh IN (SELECT sbxh FROM reg WHERE ghzt = '2')) THEN '2' ELSE '1' END;
UPDATE st SET cash = zje - fund - acct, partner = CASE WHEN state = '2' THEN CASE jsid % 10 WHEN 2 THEN jsid + 1 ELSE jsid + 4 END END;
INSERT INTO st (jsid, sbxh, zje, own, pre, insured, at, inscp, fund, acct, cash, partner, state, sign)
SELECT partner, sbxh, -zje, -own, -pre, insured, CASE jsid % 10 WHEN 2 THEN reg.back_at - interval '5 seconds' ELSE reg.thsj END, -inscp, -fund, -acct, -cash, jsid, '2', -1 FROM st JOIN reg USING (sbxh) WHERE state = '2';
INSERT INTO finance.cw_fymx
SELECT fyid, jzh, cfmxid, l.sqdh, xmxh, xmlb, xmmc, sfxm, dj, sl, je, zfbl, ybdj, ksdm, ysdm, zxks, CASE WHEN st.state = '2' THEN '2' ELSE '1' END, jsid, NULL, lrsj FROM ln l JOIN st USING (jsid) JOIN reg ON reg.sbxh = l.sbxh
UNION ALL
SELECT l.fyid + 200, jzh, cfmxid, l.sqdh, xmxh, xmlb, xmmc, sfxm, dj, -sl, -je, zfbl, ybdj, ksdm, ysdm, zxks, '2', st.partner, l.fyid, reg.back_at FROM ln l JOIN st USING (jsid) JOIN reg ON reg.sbxh = l.sbxh WHERE st.state = '2' AND l.jsid % 10 = 2
UNION ALL
SELECT l.fyid + 200, jzh, cfmxid, l.sqdh, xmxh, xmlb, xmmc, sfxm, dj, -sl, -je, zfbl, ybdj, ksdm, ysdm, zxks, '2', st.partner, l.fyid, reg.thsj FROM ln l JOIN st USING (jsid) JOIN reg ON reg.sbxh = l.sbxh WHERE st.state = '2' AND l.jsid % 10 = 1;
INSERT INTO finance.cw_js
SELECT jsid, CASE WHEN jsid % 10 IN (1, 5) THEN '0' ELSE '1' END, jzh, NULL, brid, brxz, zje, fund, acct, cash, 0, 0, state, partner, at, czgh, jsid,
  CASE WHEN (at + interval '7 hours')::date < :last::date THEN ((at + interval '7 hours')::date - date '2000-01-01') * 10000000::bigint + czgh::int * 10 + CASE WHEN jsid % 10 IN (1, 5) THEN 0 ELSE 1 END END,
  CASE WHEN (at + interval '7 hours')::date < :last::date THEN (at + interval '7 hours')::date + interval '17 hours' END, (ARRAY['1','2','3','3','3','4'])[1 + sim.n(sbxh, 87, 6)]
FROM st JOIN reg USING (sbxh);
INSERT INTO finance.cw_jszf
SELECT jsid * 10 + 1, jsid, m.zffs, cash, CASE WHEN m.zffs <> '00' THEN 'HIS' || to_char(at, 'YYYYMMDDHH24MISS') || lpad((jsid % 1000000)::text, 6, '0') END, CASE WHEN m.zffs <> '00' THEN upper(md5(jsid::text || :seed)) END,
  'T' || lpad(sim.n(sbxh, 88, 60)::text, 2, '0'), CASE WHEN m.zffs IN ('01', '02') THEN round(cash * 0.002, 2) ELSE 0 END, at, CASE WHEN sign < 0 AND m.zffs <> '00' THEN upper(md5(partner::text || :seed)) END
FROM st CROSS JOIN LATERAL (SELECT CASE WHEN x < 52 THEN '01' WHEN x < 72 THEN '02' WHEN x < 84 THEN '03' WHEN x < 92 AND insured THEN '07' WHEN x < 92 THEN '01' ELSE '00' END AS zffs FROM (SELECT sim.n(sbxh, 89, 100) AS x) y) m
WHERE cash <> 0;
INSERT INTO finance.ins_setl
SELECT jsid, jsid, '440500' || lpad(brid::text, 14, '0'), '440500' || to_char(ghsj, 'YYMMDDHH24MISS') || lpad((sim.h(sbxh, 97) % 10000000)::text, 7, '0'), '440500' || to_char(at, 'YYMMDDHH24MISS') || lpad((sim.h(jsid, 98) % 10000000)::text, 7, '0'), 'H44050000001' || to_char(at, 'YYYYMMDDHH24MISS') || lpad((jsid % 10000)::text, 4, '0'),
  CASE brxz WHEN '02' THEN '310' WHEN '04' THEN '310' WHEN '06' THEN '320' WHEN '07' THEN '340' ELSE '390' END, CASE WHEN reg.mjbz = '2' THEN '13' ELSE '11' END, CASE WHEN jsid % 10 IN (1, 5) THEN '12' WHEN reg.mjbz = '2' THEN '13' ELSE '11' END,
  zje, own, 0, pre, inscp, 0, fund, 0, 0, 0, 0, fund, acct, cash, at, CASE WHEN sign < 0 THEN '2' WHEN state = '2' THEN '1' ELSE '0' END
FROM st JOIN reg USING (sbxh) WHERE insured;
INSERT INTO finance.cw_fp
SELECT jsid, CASE WHEN sim.n(sbxh, 90, 10) < 8 THEN '44060126' ELSE '044002600' END, lpad((jsid % 10000000000)::text, 10, '0'), jsid, zje, at, CASE WHEN sign < 0 THEN '3' ELSE '1' END, CASE WHEN sim.n(sbxh, 90, 10) < 8 THEN '2' ELSE '1' END, substr(md5(jsid::text), 1, 6) FROM st;
INSERT INTO his.yf_mzfy
SELECT (r.cfid * 20 + k) * 10 + 1, r.cfid * 20 + k, v.brid, r.ypxh, 'P' || (2600 + r.ypxh % 60), r.sl, round(r.dj * r.sl, 2), reg.paid + sim.s(300 + sim.n(r.cfid, 91, 1500)), p.ygdm, q.ygdm, (1 + sim.n(r.cfid, 92, 8))::text,
  CASE WHEN rf.dropped = r.sbxh * 1000 + 10 + k THEN '1' ELSE '0' END, CASE WHEN r.herbal THEN NULL ELSE '8' || lpad((r.ypxh % 1000000)::text, 6, '0') || lpad((sim.h(r.cfid * 20 + k, 93) % 10000000000000)::text, 13, '0') END
FROM rx r JOIN v USING (sbxh) JOIN reg USING (sbxh) LEFT JOIN rf USING (sbxh) JOIN sim.staff p ON p.role = 'pharmacist' AND p.slot = sim.n(r.cfid, 94, 100) JOIN sim.staff q ON q.role = 'pharmacist' AND q.slot = sim.n(r.cfid, 95, 100);
INSERT INTO his.yf_mzfy
SELECT (r.cfid * 20 + k) * 10 + 2, r.cfid * 20 + k, v.brid, r.ypxh, 'P' || (2600 + r.ypxh % 60), -r.sl, -round(r.dj * r.sl, 2), reg.back_at - interval '10 minutes', p.ygdm, q.ygdm, (1 + sim.n(r.cfid, 92, 8))::text, '2', NULL
FROM rx r JOIN v USING (sbxh) JOIN reg USING (sbxh) JOIN rf ON rf.dropped = r.sbxh * 1000 + 10 + k JOIN sim.staff p ON p.role = 'pharmacist' AND p.slot = sim.n(r.cfid, 94, 100) JOIN sim.staff q ON q.role = 'pharmacist' AND q.slot = sim.n(r.cfid, 95, 100)
