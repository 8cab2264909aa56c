CREATE TEMP TABLE rx ON COMMIT DROP AS
SELECT v.sbxh, v.sbxh * 10 + CASE WHEN herbal THEN 2 ELSE 1 END AS cfid, k, herbal, d.*, (1 + sim.n(v.sbxh * 20 + k, 62, 3))::numeric(12,4) * CASE WHEN herbal THEN d.jl * 7 ELSE 1 END AS sl
FROM v CROSS JOIN LATERAL (SELECT sim.n(v.sbxh, 60, 100) < 7 AS herbal) y
CROSS JOIN LATERAL generate_series(1, CASE WHEN herbal THEN 8 ELSE 1 + sim.n(v.sbxh, 61, 5) END) k
JOIN sim.drug d ON d.kind = CASE WHEN herbal THEN 'herb' ELSE 'out' || least(v.kss, '2') END
  AND d.slot = (sim.n(v.sbxh, 63, 500) + k * CASE WHEN herbal THEN 100 ELSE 97 END) % 500
WHERE sim.n(v.sbxh, 64, 100) < 69;
DELETE FROM rx a USING rx b WHERE a.sbxh = b.sbxh AND a.ypxh = b.ypxh AND a.k > b.k;
INSERT INTO cis.mz_cfmx
SELECT cfid * 20 + k, cfid, 1, ypxh, jl, jldw, yfdm, CASE WHEN yfdm = 'po' THEN (ARRAY['qd','bid','tid','qn'])[1 + sim.n(cfid * 20 + k, 65, 4)] ELSE 'qd' END, CASE WHEN herbal THEN 7 ELSE 1 + sim.n(cfid, 66, 7) END, sl, mzdw, dj, round(dj * sl, 2), NULL, '0' FROM rx;
INSERT INTO cis.mz_cf
SELECT r.cfid, v.sbxh, CASE WHEN herbal THEN '3' ELSE '1' END, CASE WHEN v.er THEN '02' WHEN v.ksdm = '0401' THEN '03' ELSE '01' END, v.ysdm, v.ksdm, v.jssj, '1', '2', CASE WHEN herbal THEN '090904' WHEN v.er THEN '090902' ELSE '090901' END,
  CASE WHEN herbal THEN 7 ELSE 1 END, '1', sum(round(r.dj * r.sl, 2))
FROM rx r JOIN v USING (sbxh) GROUP BY r.cfid, v.sbxh, herbal, v.er, v.ksdm, v.ysdm, v.jssj;
CREATE TEMP TABLE rq ON COMMIT DROP AS
SELECT 'S' || (v.sbxh * 10 + k) AS sqdh, v.sbxh, NULL::bigint AS zyh, v.brid, v.day, v.dayno, (v.n * 8 + k) AS serial, k, v.ksdm, v.ysdm, v.zdmc, v.er, CASE WHEN v.er THEN '3' ELSE '1' END AS source,
  v.jssj - sim.s(30) AS asked, v.jssj + sim.s(600 + sim.n(v.sbxh, 70, 1800)) AS paid,
  '1'::text AS lx, p.no AS code, p.name, p.fyxh, p.price, '0901' AS zxks, p.specimen, NULL::text AS bw, p.tube, p.section, p.tat, NULL::text AS exam
FROM v CROSS JOIN LATERAL generate_series(1, 1 + sim.n(v.sbxh, 71, 3)) k JOIN sim.panel p ON p.slot = (sim.n(v.sbxh, 72, 1000) + k * 331) % 1000
WHERE sim.n(v.sbxh, 73, 100) < 36
UNION ALL
SELECT 'S' || (v.sbxh * 10 + 5), v.sbxh, NULL, v.brid, v.day, v.dayno, v.n * 8 + 5, 5, v.ksdm, v.ysdm, v.zdmc, v.er, CASE WHEN v.er THEN '3' ELSE '1' END, v.jssj - sim.s(20), v.jssj + sim.s(600 + sim.n(v.sbxh, 70, 1800)),
  '2', e.fyxh::int, e.name, e.fyxh, e.price, e.zxks, NULL, e.bw, NULL, NULL, NULL, e.kind
FROM v JOIN sim.exam e ON e.slot = sim.n(v.sbxh, 74, 1000) WHERE sim.n(v.sbxh, 75, 100) < 38;
DELETE FROM rq a USING rq b WHERE a.sbxh = b.sbxh AND a.code = b.code AND a.k > b.k;
INSERT INTO cis.mz_sqd
SELECT sqdh, sbxh, NULL, lx, code, name, bw, specimen, CASE WHEN er THEN '1' ELSE '0' END, asked, ysdm, zxks, '2', CASE WHEN lx = '1' THEN '1' || to_char(day, 'YYDDD') || lpad(serial::text, 6, '0') END, price FROM rq
