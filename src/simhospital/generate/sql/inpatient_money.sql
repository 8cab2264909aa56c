CREATE TEMP TABLE zl ON COMMIT DROP AS
SELECT z.zyh, z.zyh * 100000 + (d.day - rysj::date) * 10 + k AS jlxh, d.day AS fyrq, d.day + interval '1 day 5 minutes' AS jfsj, i.fyxh AS xmxh, '2'::text AS xmlb, i.fymc AS xmmc, i.sfxm, i.fydj AS dj, 1::numeric(12,4) AS sl, round(i.fydj, 2) AS je, i.zfbl, NULL::bigint AS yzid, NULL::bigint AS zxid, '7'::text AS ly, bq AS zxks
FROM z CROSS JOIN LATERAL (SELECT x::date AS day FROM generate_series(rysj::date, until::date - 1, interval '1 day') x) d CROSS JOIN LATERAL unnest(ARRAY[CASE WHEN icu THEN 10012 ELSE 10011 END, CASE WHEN icu THEN 10021 ELSE 10022 END, 10005]) WITH ORDINALITY f(fyxh, k) JOIN his.gy_ylsf i ON i.fyxh = f.fyxh
WHERE d.day + interval '1 day 5 minutes' < :last
UNION ALL SELECT zyh, zyh * 100000 + 10000 + row_number() OVER (PARTITION BY zyh ORDER BY zxid), jhsj::date, jhsj + interval '45 minutes', ypxh, '1', nr, sfxm, dj, 1, round(dj, 2), zfbl, yzid, zxid, '6', '090903' FROM zx WHERE jhsj + interval '45 minutes' < :last
UNION ALL SELECT zyh, zyh * 100000 + 90000 + k, paid::date, paid, fyxh, '2', name, CASE lx WHEN '1' THEN '04' ELSE '03' END, price, 1, price, CASE lx WHEN '1' THEN 0 ELSE 0.1 END, zyh * 100 + 40 + k, NULL, '6', zxks FROM rq WHERE paid < :last
UNION ALL SELECT q.sssq, q.sssq * 100000 + 91000 + k, nssj::date, nssj + interval '4 hours', i.fyxh, '2', i.fymc, i.sfxm, i.fydj, 1, i.fydj, i.zfbl, NULL, NULL, '6', '0910' FROM cis.ss_sq q JOIN z ON z.zyh = q.sssq CROSS JOIN LATERAL unnest(ARRAY[40000 + q.ssjb::int, 40010 + q.ssjb::int]) WITH ORDINALITY f(fyxh, k) JOIN his.gy_ylsf i ON i.fyxh = f.fyxh WHERE nssj + interval '4 hours' < :last;
CREATE TEMP TABLE zs ON COMMIT DROP AS
SELECT y.*, round(inscp * (0.6 + 0.15 * sim.r(zyh, 250))::numeric * CASE WHEN insured THEN 1 ELSE 0 END, 2) AS fund
FROM (SELECT x.*, zje - own - pre AS inscp FROM (
  SELECT z.zyh, coalesce(sum(je), 0) AS zje, coalesce(sum(je) FILTER (WHERE zfbl >= 1), 0) AS own, coalesce(sum(round(je * zfbl, 2)) FILTER (WHERE zfbl < 1), 0) AS pre, min(z.brxz) BETWEEN '02' AND '07' AS insured, min(z.cysj) + sim.s(3600 + sim.n(z.zyh, 251, 7200)) AS at
  FROM z LEFT JOIN zl USING (zyh) WHERE gone GROUP BY z.zyh) x) y;
ALTER TABLE zs ADD acct numeric(12,2), ADD cash numeric(12,2), ADD dep numeric(12,2);
UPDATE zs SET acct = CASE WHEN insured AND sim.n(zyh, 252, 10) < 4 THEN least(zje - fund, (100 + sim.n(zyh, 253, 800))::numeric) ELSE 0 END;
UPDATE zs SET cash = zje - fund - acct;
CREATE TEMP TABLE yj ON COMMIT DROP AS
SELECT zyh, zyh * 10 + k AS sjh, (CASE k WHEN 1 THEN 2000 ELSE 3000 END)::numeric(12,2) AS je, CASE WHEN k = 1 THEN rysj + interval '5 minutes' ELSE rysj + interval '2 days 2 hours' END AS at, czgh FROM z, generate_series(1, 2) k WHERE k = 1 OR (nights > 3 AND rysj + interval '3 days' < until);
UPDATE zs SET dep = d.je FROM (SELECT zyh, sum(je) AS je FROM yj GROUP BY zyh) d WHERE d.zyh = zs.zyh;
INSERT INTO finance.cw_zyfy SELECT jlxh, zl.zyh, fyrq, jfsj, xmxh, xmlb, xmmc, sfxm, dj, sl, je, round(je * zl.zfbl, 2), z.ksdm, z.ys, zxks, z.bq, yzid, zxid, ly, NULL, CASE WHEN z.gone THEN zl.zyh * 10 + 3 END, '1' FROM zl JOIN z USING (zyh);
INSERT INTO finance.cw_js SELECT zyh * 10 + 3, '2', NULL, zyh, brid, brxz, zje, fund, acct, cash, 0, 0, '1', NULL, at, czgh, zyh * 10 + 3,
  CASE WHEN (at + interval '7 hours')::date < :last::date THEN ((at + interval '7 hours')::date - date '2000-01-01') * 10000000::bigint + czgh::int * 10 + 2 END, CASE WHEN (at + interval '7 hours')::date < :last::date THEN (at + interval '7 hours')::date + interval '17 hours' END, '1' FROM zs JOIN z USING (zyh);
INSERT INTO finance.cw_jszf
SELECT (zyh * 10 + 3) * 10 + 1, zyh * 10 + 3, '08', least(cash, dep), NULL, NULL, NULL, 0, at, NULL FROM zs WHERE least(cash, dep) <> 0
UNION ALL SELECT (zyh * 10 + 3) * 10 + 2, zyh * 10 + 3, m, cash - dep, 'HIS' || to_char(at, 'YYYYMMDDHH24MISS') || lpad((zyh % 1000000)::text, 6, '0'), upper(md5('z' || zyh || :seed)), 'Z01', 0, at, NULL FROM zs CROSS JOIN LATERAL (SELECT (ARRAY['01','02','03','03'])[1 + sim.n(zyh, 254, 4)] AS m) m WHERE cash > dep;
INSERT INTO finance.cw_yjj SELECT sjh, yj.zyh, yj.je, (ARRAY['01','02','03','00'])[1 + sim.n(sjh, 255, 4)], yj.at, yj.czgh, '0', CASE WHEN zs.zyh IS NOT NULL THEN yj.zyh * 10 + 3 END,
  CASE WHEN (yj.at + interval '7 hours')::date < :last::date THEN ((yj.at + interval '7 hours')::date - date '2000-01-01') * 10000000::bigint + yj.czgh::int * 10 + 2 END FROM yj LEFT JOIN zs USING (zyh)
UNION ALL SELECT zyh * 10 + 9, zyh, cash - dep, '03', at, czgh, '0', zyh * 10 + 3, CASE WHEN (at + interval '7 hours')::date < :last::date THEN ((at + interval '7 hours')::date - date '2000-01-01') * 10000000::bigint + czgh::int * 10 + 2 END FROM zs JOIN z USING (zyh) WHERE cash < dep;
INSERT INTO finance.ins_setl SELECT zyh * 10 + 3, zyh * 10 + 3, '440500' || lpad(brid::text, 14, '0'), '440500' || to_char(rysj, 'YYMMDDHH24MISS') || lpad((sim.h(zyh, 97) % 10000000)::text, 7, '0'), '440500' || to_char(at, 'YYMMDDHH24MISS') || lpad((sim.h(zyh, 98) % 10000000)::text, 7, '0'), 'H44050000001' || to_char(at, 'YYYYMMDDHH24MISS') || lpad((zyh % 10000)::text, 4, '0'), CASE brxz WHEN '02' THEN '310' WHEN '04' THEN '310' WHEN '06' THEN '320' WHEN '07' THEN '340' ELSE '390' END,
  '2101', '21', zje, own, 0, pre, inscp, 0, fund, 0, 0, 0, 0, fund, acct, cash, at, '0' FROM zs JOIN z USING (zyh) WHERE insured;
INSERT INTO finance.cw_fp SELECT zyh * 10 + 3, '44060126', lpad((zyh * 10 + 3)::text, 10, '0'), zyh * 10 + 3, zje, at, '1', '2', substr(md5(zyh::text), 1, 6) FROM zs;
INSERT INTO emr.bl_index
SELECT zyh * 100 + k, zyh, lb, bt, at, ys, at + interval '30 minutes', CASE WHEN k <> 3 THEN at + sim.s(4 * 3600 + sim.n(zyh * 100 + k, 260, 40000)) END, NULL, CASE WHEN gone THEN '3' ELSE '1' END, sim.n(zyh * 100 + k, 261, 5) FROM (
  SELECT z.*, 1 AS k, '01' AS lb, '入院记录' AS bt, rysj + sim.s(7200 + sim.n(zyh, 262, 50000)) AS at FROM z UNION ALL SELECT z.*, 2, '02', '首次病程记录', rysj + sim.s(3600 + sim.n(zyh, 263, 18000)) FROM z
  UNION ALL SELECT z.*, 10 + i, CASE WHEN i = 1 THEN '04' ELSE '03' END, CASE WHEN i = 1 THEN '主治医师查房记录' ELSE '病程记录' END, rysj::date + i + interval '9 hours' + sim.s(sim.n(zyh * 100 + i, 264, 14000)) FROM z, generate_series(1, 30, 2) i WHERE i <= nights
  UNION ALL SELECT z.*, 60, '12', '出院记录', cysj - interval '1 hour' FROM z WHERE gone) x WHERE at < until;
INSERT INTO emr.bl_doc SELECT zyh * 100 + k, '<doc><title>' || (ARRAY['入院记录','首次病程记录'])[k] || '</title><cc>' || zhusu || '</cc><dx icd="' || icd || '">' || zdmc || '</dx></doc>', upper(md5('s' || zyh || k)) FROM z, generate_series(1, 2) k WHERE until > rysj + interval '17 hours';
INSERT INTO emr.bl_sx SELECT zyh * 10 + k, zyh, (ARRAY['首次病程8小时','入院记录24小时'])[k], rysj, rysj + interval '1 hour' * (ARRAY[8, 24])[k], w, greatest(0, round((extract(epoch FROM w - rysj) / 3600 - (ARRAY[8, 24])[k])::numeric, 2)) FROM z, generate_series(1, 2) k CROSS JOIN LATERAL (SELECT CASE k WHEN 1 THEN rysj + sim.s(3600 + sim.n(zyh, 263, 18000)) ELSE rysj + sim.s(7200 + sim.n(zyh, 262, 50000)) END AS w) q WHERE w < until;
INSERT INTO emr.ba_sy
SELECT z.zyh, 'B' || brid % 10000000, 1 + sim.n(brid, 204, 3), brxm, brxb, csny, extract(year FROM age(rysj, csny)), '2', rysj, ksdm, cysj, ksdm, greatest(1, nights), icd, (ARRAY['1','1','1','1','1','1','1','1','2','4'])[1 + sim.n(zyh, 206, 10)], zs.zje, zs.zje - zs.fund,
  coalesce(f.a, 0), coalesce(f.b, 0), coalesce(f.c, 0), coalesce(f.d, 0), coalesce(f.e, 0), coalesce(f.f, 0), zs.zje - coalesce(f.a + f.b + f.c + f.d + f.e + f.f, 0), (ARRAY['1','2','3','4','5'])[1 + sim.n(brid, 16, 5)], '无', zz, (cysj + interval '3 days')::date, '1'
FROM z JOIN zs USING (zyh) LEFT JOIN (SELECT zyh, coalesce(sum(je) FILTER (WHERE sfxm IN ('01', '07', '13')), 0) AS a, coalesce(sum(je) FILTER (WHERE sfxm IN ('02', '03', '04')), 0) AS b, coalesce(sum(je) FILTER (WHERE sfxm IN ('05', '06')), 0) AS c, coalesce(sum(je) FILTER (WHERE sfxm = '09'), 0) AS d, coalesce(sum(je) FILTER (WHERE sfxm IN ('10', '11')), 0) AS e, coalesce(sum(je) FILTER (WHERE sfxm = '08'), 0) AS f FROM zl GROUP BY zyh) f USING (zyh);
INSERT INTO emr.ba_syzd SELECT zyh, 1, icd, zdmc, '1' FROM z WHERE gone UNION ALL SELECT zyh, 2, dx.icd, dx.zdmc, '1' FROM z JOIN sim.dx ON dx.slot = sim.n(zyh, 207, 1000) WHERE gone AND dx.icd <> z.icd;
INSERT INTO emr.ba_syss SELECT q.sssq, 1, q.ssdm, q.nssj, q.ssjb, z.zz, '11', '全麻' FROM cis.ss_sq q JOIN z ON z.zyh = q.sssq WHERE gone;
INSERT INTO emr.bl_gd SELECT zyh, cysj + interval '2 days', CASE WHEN cysj + interval '5 days' < :last THEN cysj + interval '5 days' END, 20 + sim.n(zyh, 265, 60), 'G' || zyh % 400 FROM z WHERE gone AND cysj + interval '2 days' < :last
