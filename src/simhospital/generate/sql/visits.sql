CREATE TEMP TABLE g ON COMMIT DROP AS
SELECT w.*, st.ksdm, st.ysdm, st.kss,
  CASE WHEN er THEN '02' WHEN st.zcdm = '231' THEN '06' WHEN st.zcdm = '232' THEN '05' ELSE '01' END AS hlb,
  CASE WHEN er THEN 30 WHEN st.zcdm = '231' THEN 40 WHEN st.zcdm = '232' THEN 25 ELSE 15 END::numeric(8,2) AS zlf,
  CASE WHEN er THEN 10004 WHEN st.zcdm = '231' THEN 10003 WHEN st.zcdm = '232' THEN 10002 ELSE 10001 END AS zlxm,
  ghsj + sim.s(300 + sim.n(sbxh, 40, 3600)) AS kssj, ghsj + sim.s(300 + sim.n(sbxh, 40, 3600) + 180 + sim.n(sbxh, 41, 900)) AS jssj,
  c.ygdm AS czgh, dx.icd, dx.zdmc, dx.zhusu
FROM (
  SELECT d.dayno * 100000::bigint + n AS sbxh, d.day, d.dayno, n, 'O' || to_char(d.day, 'YYMMDD') || lpad(n::text, 5, '0') AS jzh,
    brid, sim.nature(brid) AS brxz, er, d.day + sim.s(c.hour * 3600 + sim.n(id, 32, 3600)) AS ghsj,
    sim.r(id, 33) < 0.05 AND NOT er AS cancelled, sim.n(id, 34, 100) AS way
  FROM sim.days d CROSS JOIN LATERAL generate_series(1, d.visits) n
  CROSS JOIN LATERAL (SELECT d.dayno * 100000::bigint + n AS id, sim.r(d.dayno * 100000::bigint + n, 30) < 0.06 AS er,
    1000000001::bigint + sim.n(d.dayno * 100000::bigint + n, 31, :patients) AS brid) x
  JOIN sim.clock c ON c.kind = CASE WHEN er THEN 'er' ELSE 'clinic' END AND c.slot = sim.n(id, 35, 1000)
  WHERE d.day >= :d0 AND d.day < :d1
) w
JOIN sim.seat st ON st.kind = CASE WHEN er THEN 'er' ELSE 'clinic' END AND st.slot = sim.n(sbxh, 36, 1000)
JOIN sim.staff c ON c.role = 'cashier' AND c.slot = sim.n(sbxh, 37, 100)
JOIN sim.dx ON dx.slot = sim.n(sbxh, 38, 1000);
INSERT INTO his.ms_hypb
SELECT dayno * 1000000::bigint + ysdm::int * 10 + half::int, day, half, ksdm, ysdm, min(hlb), 1, min(zlf), greatest(40, count(*) + 5), count(*), count(*) FILTER (WHERE way < 78), greatest(0, count(*) - 40), '0'
FROM (SELECT *, CASE WHEN ghsj::time < '12:30' THEN '1' WHEN ghsj::time < '18:30' THEN '2' ELSE '3' END AS half FROM g) x
GROUP BY dayno, day, half, ksdm, ysdm;
INSERT INTO his.ms_yygh
SELECT sbxh * 10 + 1, dayno * 1000000::bigint + ysdm::int * 10 + CASE WHEN ghsj::time < '12:30' THEN 1 WHEN ghsj::time < '18:30' THEN 2 ELSE 3 END, brid,
  (ARRAY['3','4','5','3','7','6'])[1 + sim.n(sbxh, 42, 6)], ghsj - sim.s(3600 + sim.n(sbxh, 43, 600000)), '1', NULL, n FROM g WHERE way < 78 AND NOT er
UNION ALL
SELECT sbxh * 10 + 2, dayno * 1000000::bigint + ysdm::int * 10 + CASE WHEN ghsj::time < '12:30' THEN 1 WHEN ghsj::time < '18:30' THEN 2 ELSE 3 END, 1000000001::bigint + sim.n(sbxh, 44, :patients),
  '3', ghsj - sim.s(7200 + sim.n(sbxh, 43, 500000)), CASE WHEN sim.n(sbxh, 45, 2) = 0 THEN '2' ELSE '3' END, CASE WHEN sim.n(sbxh, 45, 2) = 0 THEN ghsj - sim.s(3600) END, n
FROM g WHERE sim.n(sbxh, 46, 100) < 13 AND NOT er;
INSERT INTO his.ms_ghmx
SELECT sbxh, jzh, brid, dayno * 1000000::bigint + ysdm::int * 10 + CASE WHEN ghsj::time < '12:30' THEN 1 WHEN ghsj::time < '18:30' THEN 2 ELSE 3 END,
  ghsj, ksdm, ysdm, hlb, CASE WHEN er THEN '2' ELSE '1' END, 1, zlf, CASE WHEN sim.n(sbxh, 47, 10) < 4 THEN '1' ELSE '2' END, CASE WHEN sim.n(sbxh, 48, 100) < 3 THEN '1' ELSE '0' END,
  CASE WHEN way < 78 THEN '1' WHEN way < 92 THEN '2' ELSE '0' END, CASE WHEN cancelled THEN '2' ELSE '1' END, CASE WHEN cancelled THEN '0' ELSE '2' END, ghsj, sbxh * 10 + 1,
  CASE WHEN cancelled THEN ghsj + sim.s(600) END, CASE WHEN cancelled THEN czgh END, czgh, (ghsj + interval '7 hours')::date
FROM g;
CREATE TEMP TABLE v ON COMMIT DROP AS SELECT * FROM g WHERE NOT cancelled;
ANALYZE v;
ANALYZE g;
INSERT INTO cis.mz_fzdl
SELECT sbxh, jzh, (1 + sim.n(sbxh, 50, 60))::text, n, ghsj + sim.s(60 + sim.n(sbxh, 51, 200)), kssj - sim.s(30), 1, '0', kssj, CASE WHEN er THEN (ARRAY['1','2','3','3','3','4','4'])[1 + sim.n(sbxh, 52, 7)] END FROM v;
INSERT INTO cis.mz_jzjl
SELECT sbxh, jzh, brid, ksdm, ysdm, kssj, jssj, zhusu || (1 + sim.n(sbxh, 53, 14)) || '天', '神清，心肺听诊未见明显异常', '完善检查，对症处理，随诊', '2', CASE WHEN sim.n(sbxh, 47, 10) < 4 THEN '1' ELSE '2' END, '1' FROM v;
INSERT INTO cis.mz_zdjl
SELECT sbxh * 10 + 1, sbxh, NULL::bigint, '01', icd, zdmc, '0', jssj - sim.s(60), ysdm FROM v
UNION ALL
SELECT sbxh * 10 + 2, sbxh, NULL, '02', dx.icd, dx.zdmc, CASE WHEN sim.n(sbxh, 54, 5) = 0 THEN '1' ELSE '0' END, jssj - sim.s(50), ysdm FROM v JOIN sim.dx ON dx.slot = sim.n(sbxh, 55, 1000) WHERE sim.n(sbxh, 56, 100) < 30 AND dx.icd <> v.icd;
INSERT INTO emr.mz_bl
SELECT sbxh, zhusu || (1 + sim.n(sbxh, 53, 14)) || '天', '患者' || zhusu || '，无特殊诱因，来院就诊。', '否认', 'T 36.' || sim.n(sbxh, 57, 10) || '℃，P ' || (62 + sim.n(sbxh, 58, 40)) || '次/分', zdmc, '完善检查，对症处理', jssj FROM v
