CREATE TEMP TABLE z ON COMMIT DROP AS
SELECT s.*, s.cysj IS NOT NULL AND s.cysj < :last AS gone, least(s.cysj, :last::timestamp) AS until, d.ygdm AS ys, d2.ygdm AS zz, n.ygdm AS hs, c.ygdm AS czgh, sim.nature(s.brid) AS brxz, dx.icd, dx.zdmc, dx.zhusu, b.brxm, b.brxb, b.csny
FROM sim.stay s JOIN his.gy_brda b USING (brid) JOIN sim.staff d ON d.role = 'd' || s.ksdm AND d.slot = sim.n(zyh, 200, 100) JOIN sim.staff d2 ON d2.role = 'd' || s.ksdm AND d2.slot = (sim.n(zyh, 200, 100) + 31) % 100
JOIN sim.staff n ON n.role = 'nurse' AND n.slot = sim.n(zyh, 201, 100) JOIN sim.staff c ON c.role = 'cashier' AND c.slot = sim.n(zyh, 202, 100) JOIN sim.dx ON dx.slot = sim.n(zyh, 203, 1000)
WHERE s.day >= :d0 AND s.day < :d1;
INSERT INTO his.zy_brry
SELECT zyh, 'Z' || zyh, 'B' || brid % 10000000, 1 + sim.n(brid, 204, 3), brid, brxz, rysj, rysj + interval '20 minutes', ksdm, ksdm, bq, cwh, ys, zz, zz, hs, CASE WHEN sim.n(zyh, 205, 100) < 30 THEN '1' ELSE '2' END, '2', icd, CASE WHEN icu THEN '1' ELSE '2' END,
  CASE WHEN icu THEN '2' ELSE '0' END, CASE WHEN gone THEN cysj END, CASE WHEN gone THEN (ARRAY['1','1','1','1','1','1','1','1','2','4'])[1 + sim.n(zyh, 206, 10)] END, CASE WHEN gone THEN 'O' ELSE 'I' END, '0', NULL, CASE WHEN brxz BETWEEN '02' AND '07' THEN 'Z' || zyh END FROM z;
INSERT INTO his.zy_cwyd SELECT zyh * 10 + 1, zyh, '0', NULL::text, cwh, NULL::text, ksdm, rysj + interval '20 minutes', hs FROM z UNION ALL SELECT zyh * 10 + 2, zyh, '4', cwh, NULL, ksdm, NULL, cysj, hs FROM z WHERE gone;
INSERT INTO cis.mz_zdjl SELECT zyh * 1000 + 501, NULL::bigint, zyh, '11', icd, zdmc, '0', rysj + interval '1 hour', ys FROM z UNION ALL SELECT zyh * 1000 + 502, NULL, zyh, '12', icd, zdmc, '0', cysj - interval '2 hours', ys FROM z WHERE gone
UNION ALL SELECT zyh * 1000 + 503, NULL, zyh, '13', dx.icd, dx.zdmc, '0', cysj - interval '2 hours', ys FROM z JOIN sim.dx ON dx.slot = sim.n(zyh, 207, 1000) WHERE gone AND dx.icd <> z.icd;
CREATE TEMP TABLE yz ON COMMIT DROP AS
SELECT zyh, zyh * 100 + k AS yzid, k, '1'::text AS cqls, CASE WHEN d.kss = '0' THEN 0 ELSE 1 END AS yzlx, d.ypxh, d.ypmc AS nr, d.jl, d.jldw, d.yfdm, p.pcdm, p.hours, rysj + sim.s(3600 + sim.n(zyh * 100 + k, 210, 3600)) AS kssj, until - interval '3 hours' AS stop, d.dj, d.sfxm, d.zfbl, d.ybdj
FROM z CROSS JOIN LATERAL generate_series(1, 3 + sim.n(zyh, 211, 5)) k JOIN sim.drug d ON d.kind = 'ward' AND d.slot = (sim.n(zyh, 212, 500) + k * 61) % 500
JOIN (VALUES (0, 'qd', ARRAY[8]), (1, 'bid', ARRAY[8, 16]), (2, 'q12h', ARRAY[8, 20])) p(i, pcdm, hours) ON p.i = sim.n(zyh * 100 + k, 213, 3);
INSERT INTO cis.zy_yz
SELECT yzid, zyh, yzid, '1', yzlx, ypxh::text, nr, jl, jldw, yfdm, pcdm, kssj, z.ys, kssj + interval '20 minutes', z.hs, CASE WHEN z.gone THEN stop END, CASE WHEN z.gone THEN z.ys END, z.bq, CASE WHEN z.gone THEN '4' ELSE '2' END, CASE WHEN yzlx = 1 THEN '2' END, NULL FROM yz JOIN z USING (zyh)
UNION ALL SELECT zyh * 100 + 70 + k, zyh, zyh * 100 + 70 + k, '1', CASE k WHEN 3 THEN 8 ELSE 4 END, NULL, (ARRAY[CASE WHEN icu THEN '一级护理' ELSE '二级护理' END, ksdm || '护理常规', '普食', '测血压'])[k], NULL, NULL, NULL, 'qd', rysj + interval '40 minutes', ys, rysj + interval '1 hour', hs,
  CASE WHEN gone THEN until - interval '3 hours' END, CASE WHEN gone THEN ys END, bq, CASE WHEN gone THEN '4' ELSE '2' END, NULL, NULL FROM z, generate_series(1, 4) k;
CREATE TEMP TABLE zx ON COMMIT DROP AS
SELECT yz.*, (yzid * 1000 + (d.day::date - kssj::date) * 3 + h.i) AS zxid, at AS jhsj FROM yz CROSS JOIN LATERAL generate_series(kssj::date, stop::date, interval '1 day') d(day) CROSS JOIN LATERAL unnest(hours) WITH ORDINALITY h(hour, i) CROSS JOIN LATERAL (SELECT d.day + sim.s(h.hour * 3600) AS at) t
WHERE at > kssj + interval '25 minutes' AND at <= stop;
INSERT INTO cis.zy_yz_zx SELECT zxid, yzid, zx.zyh, jhsj, jhsj + sim.s(sim.n(zxid, 214, 2400)), n.ygdm, z.hs, '2', 'B' || zxid, '1', 1, NULL FROM zx JOIN z USING (zyh) JOIN sim.staff n ON n.role = 'nurse' AND n.slot = sim.n(zxid, 215, 100);
INSERT INTO his.yf_zyfy SELECT zxid, zxid, zyh, ypxh, 'P' || (2600 + ypxh % 60), 1, round(dj, 2), jhsj - interval '2 hours', p.ygdm, '0' FROM zx JOIN sim.staff p ON p.role = 'pharmacist' AND p.slot = sim.n(zxid, 216, 100);
CREATE TEMP TABLE rq ON COMMIT DROP AS
SELECT 'Z' || (zyh * 100 + k) AS sqdh, NULL::bigint AS sbxh, zyh, brid, rysj::date + (k - 1) / 4 AS day, rysj::date + (k - 1) / 4 - date '2000-01-01' AS dayno, (900000 - (zyh % 10000) * 20 - k) AS serial, k, ksdm, ys AS ysdm, zdmc, icu AS er, '2'::text AS source, asked, asked + interval '30 minutes' AS paid,
  '1'::text AS lx, p.no AS code, p.name, p.fyxh, p.price, '0901'::text AS zxks, p.specimen, NULL::text AS bw, p.tube, p.section, p.tat, NULL::text AS exam
FROM z CROSS JOIN LATERAL generate_series(1, 4 + sim.n(zyh, 220, 4)) k JOIN sim.panel p ON p.slot = (sim.n(zyh, 221, 1000) + k * 149) % 1000 CROSS JOIN LATERAL (SELECT rysj + sim.s(2400 + (k - 1) / 4 * 86400::bigint) AS asked) a WHERE asked < until - interval '6 hours'
UNION ALL
SELECT 'Z' || (zyh * 100 + 15), NULL, zyh, brid, rysj::date, rysj::date - date '2000-01-01', 900000 - (zyh % 10000) * 20 - 15, 15, ksdm, ys, zdmc, icu, '2', rysj + interval '1 hour', rysj + interval '2 hours', '2', e.fyxh::int, e.name, e.fyxh, e.price, e.zxks, NULL, e.bw, NULL, NULL, NULL, e.kind
FROM z JOIN sim.exam e ON e.slot = sim.n(zyh, 222, 1000) WHERE until > rysj + interval '6 hours';
INSERT INTO cis.mz_sqd SELECT sqdh, NULL, zyh, lx, code, name, bw, specimen, CASE WHEN er THEN '1' ELSE '0' END, asked, ysdm, zxks, '2', CASE WHEN lx = '1' THEN '1' || to_char(day, 'YYDDD') || lpad(serial::text, 6, '0') END, price FROM rq;
INSERT INTO cis.zy_yz SELECT zyh * 100 + 40 + k, rq.zyh, zyh * 100 + 40 + k, '2', CASE lx WHEN '1' THEN 3 ELSE 2 END, code::text, name, NULL, NULL, NULL, 'st', asked, ysdm, asked + interval '10 minutes', z.hs, NULL, NULL, zxks, '2', NULL, sqdh FROM rq JOIN z USING (zyh);
INSERT INTO cis.ss_sq SELECT zyh, zyh, ssdm, ssmc, ssjb, '1', CASE WHEN sim.n(zyh, 230, 100) < 13 THEN '1' ELSE '2' END, rysj::date + interval '1 day 9 hours', '全麻', '5' FROM z JOIN (SELECT *, row_number() OVER (ORDER BY ssdm) - 1 AS i, count(*) OVER () AS c FROM his.gy_ssdm) o ON o.i = sim.n(zyh, 231, o.c::int) WHERE op AND until > rysj::date + interval '1 day 14 hours';
INSERT INTO cis.ss_ap SELECT q.sssq, q.sssq, 'OR' || (1 + sim.n(q.sssq, 232, 24)), 1 + sim.n(q.sssq, 233, 4), z.hs, z.hs, z.zz FROM cis.ss_sq q JOIN z ON z.zyh = q.sssq;
INSERT INTO cis.ss_jl SELECT q.sssq, nssj, nssj + interval '15 minutes', nssj + interval '40 minutes', nssj + sim.s(6000 + sim.n(q.sssq, 234, 7000)), nssj + sim.s(14000), z.zz, z.ys, 20 + sim.n(q.sssq, 235, 300), NULL FROM cis.ss_sq q JOIN z ON z.zyh = q.sssq;
INSERT INTO cis.hl_tz SELECT zyh * 1000 + (t::date - rysj::date) * 2 + CASE WHEN extract(hour FROM t) < 12 THEN 0 ELSE 1 END, zyh, t, 36.2 + round((1.2 * sim.r(zyh * 1000 + extract(epoch FROM t)::bigint / 3600, 240))::numeric, 1), '1', 62 + sim.n(zyh + extract(epoch FROM t)::bigint, 241, 38), 16 + sim.n(zyh + extract(epoch FROM t)::bigint, 242, 6), 105 + sim.n(zyh + extract(epoch FROM t)::bigint, 243, 40), 62 + sim.n(zyh + extract(epoch FROM t)::bigint, 244, 25), 95 + sim.n(zyh + extract(epoch FROM t)::bigint, 245, 5)
FROM z CROSS JOIN LATERAL generate_series(rysj::date + interval '6 hours', until, interval '8 hours') t WHERE t > rysj AND t <= until AND extract(hour FROM t) <> 22;
INSERT INTO cis.hl_pg SELECT zyh * 10 + k, zyh, (ARRAY['Braden','Morse','Barthel'])[k], 10 + sim.n(zyh * 10 + k, 246, 13), NULL, rysj + interval '2 hours', hs FROM z, generate_series(1, 3) k WHERE until > rysj + interval '2 hours';
INSERT INTO cis.hz_sq SELECT zyh, zyh, CASE WHEN sim.n(zyh, 247, 4) = 0 THEN '1' ELSE '0' END, ksdm, ys, rysj + interval '1 day', '0112', zz, rysj + sim.s(86400 + CASE WHEN sim.n(zyh, 247, 4) = 0 THEN 480 ELSE 20000 END), '同意目前诊疗，随访', '2' FROM z WHERE sim.n(zyh, 248, 100) < 55 AND until > rysj + interval '2 days'
