CREATE TEMP TABLE sm ON COMMIT DROP AS
SELECT x.*, checked < :last AS done, received < :last AS got, sim.n(id, 108, 1000) < 4 AS rejected, '1' || to_char(day, 'YYDDD') || lpad(serial::text, 6, '0') AS barcode
FROM (
  SELECT rq.*, id, paid + sim.s(60 + sim.n(id, 100, 600)) AS printed, paid + sim.s(700 + sim.n(id, 101, 1800)) AS taken, paid + sim.s(2600 + sim.n(id, 102, 900)) AS sent,
    paid + sim.s(3600 + sim.n(id, 103, 1500)) AS received, paid + sim.s(5400 + sim.n(id, 104, 1800) + tat * 20) AS tested, paid + sim.s(7300 + sim.n(id, 105, 1200) + tat * 24) AS checked
  FROM rq CROSS JOIN LATERAL (SELECT dayno * 1000000::bigint + serial AS id) i WHERE lx = '1'
) x;
INSERT INTO lis.jy_sq
SELECT sqdh, source, brid::text, b.brxm, ksdm, ysdm, zdmc, code, asked, '1' FROM sm JOIN his.gy_brda b USING (brid);
INSERT INTO lis.bb_main
SELECT barcode, sqdh, tube, specimen, printed, taken, n.ygdm, CASE WHEN got THEN sent END, CASE WHEN got THEN received END, CASE WHEN got THEN t.ygdm END,
  CASE WHEN rejected AND got THEN (ARRAY['溶血','凝血','量少','标识错','容器错'])[1 + sim.n(id, 109, 5)] END, CASE WHEN NOT got THEN '2' WHEN rejected THEN '9' WHEN done THEN '8' ELSE '4' END, CASE WHEN er THEN '1' ELSE '0' END, source
FROM sm JOIN sim.staff n ON n.role = 'nurse' AND n.slot = sim.n(id, 110, 100) JOIN sim.staff t ON t.role = 'technician' AND t.slot = sim.n(id, 111, 100);
INSERT INTO lis.bb_xm SELECT barcode, code FROM sm;
INSERT INTO lis.bb_jj SELECT id * 10 + 1, barcode, n.ygdm, t.ygdm, received, 22.5 FROM sm JOIN sim.staff n ON n.role = 'nurse' AND n.slot = sim.n(id, 110, 100) JOIN sim.staff t ON t.role = 'technician' AND t.slot = sim.n(id, 111, 100) WHERE got;
DELETE FROM sm WHERE NOT done OR rejected;
INSERT INTO lis.jy_bg
SELECT received::date, section, 1, to_char(day, 'DDD') || '-' || serial, barcode, brid::text, b.brxm, b.brxb, extract(year FROM age(received, b.csny)), '1', ksdm, NULL, ysdm, taken::date, to_char(taken, 'HH24:MI:SS'),
  tested::date, to_char(tested, 'HH24:MI:SS'), t.ygdm, checked::date, to_char(checked, 'HH24:MI:SS'), c.ygdm, NULL, '8', sim.n(id, 112, 3), CASE WHEN er THEN '1' ELSE '0' END, 1
FROM sm JOIN his.gy_brda b USING (brid) JOIN sim.staff t ON t.role = 'technician' AND t.slot = sim.n(id, 113, 100) JOIN sim.staff c ON c.role = 'technician' AND c.slot = (sim.n(id, 113, 100) + 50) % 100;
CREATE TEMP TABLE res ON COMMIT DROP AS
SELECT z.*, CASE WHEN kind = 'Q' THEN NULL WHEN plow IS NOT NULL AND v <= plow THEN 'LL' WHEN phigh IS NOT NULL AND v >= phigh THEN 'HH' WHEN v < low THEN 'L' WHEN v > high THEN 'H' ELSE '' END AS flag
FROM (
  SELECT y.*, CASE WHEN kind = 'Q' THEN NULL WHEN panic AND phigh IS NOT NULL THEN round((phigh * (1.02 + 0.2 * r))::numeric, prec) WHEN panic AND plow IS NOT NULL THEN round((plow * (0.6 + 0.35 * r))::numeric, prec)
    ELSE round(greatest((low + high) / 2 + (high - low) / 2 * spread * CASE WHEN odd THEN 2.2 ELSE 0.62 END, low * 0.4, (high - low) * 0.001)::numeric, prec) END AS v
  FROM (
    SELECT sm.id, sm.received::date AS rdate, sm.checked, sm.section, to_char(sm.day, 'DDD') || '-' || sm.serial AS sampleno, sm.barcode, m.itemno, k.low, k.high, k.paniclow AS plow, k.panichigh AS phigh, x.prec, x.unit, x.resulttype AS kind, x.section AS equip,
      sim.r(sm.id * 100 + m.itemno % 100, 120) * 2 + sim.r(sm.id * 100 + m.itemno % 100, 121) * 2 - 2 AS spread, sim.r(sm.id * 100 + m.itemno % 100, 123) AS r, sim.n(sm.id, 124, 100) < 9 AS odd, sim.n(sm.id * 100 + m.itemno % 100, 125, 2000) < 2 AS panic
    FROM sm JOIN lis.jy_zhmx m ON m.paritemno = sm.code JOIN (SELECT *, CASE sectionno WHEN 1 THEN 1 WHEN 2 THEN 2 WHEN 3 THEN 5 WHEN 4 THEN 4 ELSE 6 END AS section FROM lis.jy_xm) x USING (itemno) LEFT JOIN lis.jy_ckz k ON k.itemno = m.itemno AND k.sex = '0'
  ) y
) z;
INSERT INTO lis.jy_jg
SELECT rdate, section, 1, sampleno, itemno, v, CASE WHEN kind = 'Q' THEN (ARRAY['阴性(-)','阴性(-)','阴性(-)','阴性(-)','阴性(-)','阴性(-)','阳性(+)','阳性(2+)'])[1 + (r * 7.99)::int % 8] ELSE v::text END,
  flag, CASE WHEN kind = 'Q' THEN '阴性' ELSE low::text || '-' || high::text END, unit, equip FROM res;
INSERT INTO lis.jy_wjz
SELECT id * 100 + itemno % 100, barcode, itemno, v::text, checked - interval '3 minutes', t.ygdm, checked - interval '2 minutes', n.ygdm, checked + sim.s(60 + sim.n(id, 126, 600)), checked + sim.s(700 + sim.n(id, 127, 1100)), '已通知医生，复查并对症处理'
FROM res JOIN sim.staff t ON t.role = 'technician' AND t.slot = sim.n(id, 113, 100) JOIN sim.staff n ON n.role = 'nurse' AND n.slot = sim.n(id, 110, 100) WHERE flag IN ('HH', 'LL');
INSERT INTO lis.yq_ysjg
SELECT id * 100 + itemno % 100, equip, barcode, itemno::text, v::text, left(flag, 1), checked - interval '20 minutes', 'R' || id, '1' FROM res WHERE kind = 'N' AND checked >= :last::timestamp - interval '7 days';
INSERT INTO cis.jc_bg
SELECT 'J' || to_char(day, 'YYMMDD') || lpad(serial::text, 6, '0'), sqdh, exam, 'A' || to_char(day, 'YYMMDD') || lpad(serial::text, 6, '0'), '1.2.826.0.1.3680043.10.1.' || dayno || '.' || serial, at, at + interval '25 minutes', at + interval '50 minutes',
  bw || '形态大小未见明显异常，密度均匀，边界清晰。', CASE WHEN odd THEN bw || '异常改变，请结合临床' ELSE bw || '未见明显异常' END, CASE WHEN odd THEN '1' ELSE '0' END, CASE WHEN sim.n(id, 132, 100) < 1 THEN '1' ELSE '0' END, r.ygdm, s.ygdm, '4'
FROM (SELECT rq.*, dayno * 1000000::bigint + serial AS id, paid + sim.s(1800 + sim.n(dayno * 1000000::bigint + serial, 130, 7200)) AS at, sim.n(dayno * 1000000::bigint + serial, 131, 100) < 38 AS odd FROM rq WHERE lx = '2') x
JOIN sim.staff r ON r.role = 'radiologist' AND r.slot = sim.n(id, 133, 100) JOIN sim.staff s ON s.role = 'radiologist' AND s.slot = (sim.n(id, 133, 100) + 50) % 100 WHERE at + interval '1 hour' < :last
