UPDATE finance.cw_js SET rjid = ((jssj + interval '7 hours')::date - date '2000-01-01') * 10000000::bigint + czgh::int * 10 + CASE jslx WHEN '0' THEN 0 WHEN '1' THEN 1 ELSE 2 END, rjsj = (jssj + interval '7 hours')::date + interval '17 hours' WHERE rjid IS NULL AND (jssj + interval '7 hours')::date < :d1::date;
UPDATE finance.cw_yjj SET rjid = ((sksj + interval '7 hours')::date - date '2000-01-01') * 10000000::bigint + czgh::int * 10 + 2 WHERE rjid IS NULL AND (sksj + interval '7 hours')::date < :d1::date;
DELETE FROM finance.cw_rjmx WHERE date '2000-01-01' + (rjid / 10000000)::int >= :d0::date AND date '2000-01-01' + (rjid / 10000000)::int < :d1::date;
DELETE FROM finance.cw_rj WHERE date '2000-01-01' + (rjid / 10000000)::int >= :d0::date AND date '2000-01-01' + (rjid / 10000000)::int < :d1::date;
INSERT INTO finance.cw_rj
SELECT rjid, min(CASE jslx WHEN '0' THEN '0' WHEN '1' THEN '1' ELSE '2' END), min(czgh), min(rjsj) - interval '1 day', min(rjsj), sum(zje), sum(ybje), sum(zhje), sum(xjje), coalesce(sum(zje) FILTER (WHERE zje < 0), 0), 0, count(*), count(*) FILTER (WHERE zje < 0),
  min(fpid)::text, max(fpid)::text, '1', (SELECT min(ygdm) FROM sim.staff WHERE role = 'finance'), min(rjsj) + interval '1 hour' FROM finance.cw_js WHERE rjid IS NOT NULL AND rjsj >= :d0::date AND rjsj < :d1::date GROUP BY rjid;
UPDATE finance.cw_rj r SET yjjs = y.je FROM (SELECT rjid, sum(je) AS je FROM finance.cw_yjj WHERE rjid IS NOT NULL AND date '2000-01-01' + (rjid / 10000000)::int >= :d0::date AND date '2000-01-01' + (rjid / 10000000)::int < :d1::date GROUP BY rjid) y WHERE y.rjid = r.rjid;
INSERT INTO finance.cw_rj
SELECT y.rjid, '2', min(y.czgh), date '2000-01-01' + (y.rjid / 10000000)::int + interval '17 hours' - interval '1 day', date '2000-01-01' + (y.rjid / 10000000)::int + interval '17 hours', 0, 0, 0, 0, 0, sum(y.je), 0, 0, NULL, NULL, '1', (SELECT min(ygdm) FROM sim.staff WHERE role = 'finance'), date '2000-01-01' + (y.rjid / 10000000)::int + interval '18 hours'
FROM finance.cw_yjj y LEFT JOIN finance.cw_rj r ON r.rjid = y.rjid WHERE y.rjid IS NOT NULL AND r.rjid IS NULL AND date '2000-01-01' + (y.rjid / 10000000)::int >= :d0::date AND date '2000-01-01' + (y.rjid / 10000000)::int < :d1::date GROUP BY y.rjid;
INSERT INTO finance.cw_rjmx
SELECT rjid, 'zffs', zffs, sum(p.je) FROM finance.cw_jszf p JOIN finance.cw_js j USING (jsid) WHERE rjid IS NOT NULL AND rjsj >= :d0::date AND rjsj < :d1::date GROUP BY rjid, zffs
UNION ALL SELECT rjid, 'sfxm', sfxm, sum(l.je) FROM finance.cw_fymx l JOIN finance.cw_js j USING (jsid) WHERE rjid IS NOT NULL AND rjsj >= :d0::date AND rjsj < :d1::date GROUP BY rjid, sfxm
UNION ALL SELECT rjid, 'sfxm', sfxm, sum(l.je) FROM finance.cw_zyfy l JOIN finance.cw_js j USING (jsid) WHERE rjid IS NOT NULL AND rjsj >= :d0::date AND rjsj < :d1::date GROUP BY rjid, sfxm
