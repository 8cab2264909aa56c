CREATE TEMP TABLE pz ON COMMIT DROP AS
SELECT 'MZ' || to_char(jssj, 'YYYYMMDD') AS pzh, jssj::date AS rq, CASE zffs WHEN '00' THEN '1001' WHEN '03' THEN '1002' ELSE '1021' END AS km, p.je AS jf, 0::numeric AS df FROM finance.cw_jszf p JOIN finance.cw_js j USING (jsid) WHERE jslx IN ('0', '1') AND jssj >= :d0::date AND jssj < :d1::date
UNION ALL SELECT 'MZ' || to_char(jssj, 'YYYYMMDD'), jssj::date, '12120201', ybje + zhje, 0 FROM finance.cw_js WHERE jslx IN ('0', '1') AND jssj >= :d0::date AND jssj < :d1::date
UNION ALL SELECT 'MZ' || to_char(jssj, 'YYYYMMDD'), jssj::date, '41010101.' || sfxm, 0, l.je FROM finance.cw_fymx l JOIN finance.cw_js USING (jsid) WHERE jssj >= :d0::date AND jssj < :d1::date
UNION ALL SELECT 'ZY' || to_char(jfsj, 'YYYYMMDD'), jfsj::date, '121201', je, 0 FROM finance.cw_zyfy WHERE jfsj >= :d0::date AND jfsj < :d1::date
UNION ALL SELECT 'ZY' || to_char(jfsj, 'YYYYMMDD'), jfsj::date, '41010102.' || sfxm, 0, je FROM finance.cw_zyfy WHERE jfsj >= :d0::date AND jfsj < :d1::date
UNION ALL SELECT 'CY' || to_char(jssj, 'YYYYMMDD'), jssj::date, CASE zffs WHEN '08' THEN '23050201' WHEN '03' THEN '1002' ELSE '1021' END, p.je, 0 FROM finance.cw_jszf p JOIN finance.cw_js USING (jsid) WHERE jslx = '2' AND jssj >= :d0::date AND jssj < :d1::date
UNION ALL SELECT 'CY' || to_char(jssj, 'YYYYMMDD'), jssj::date, '12120201', ybje + zhje, 0 FROM finance.cw_js WHERE jslx = '2' AND jssj >= :d0::date AND jssj < :d1::date
UNION ALL SELECT 'CY' || to_char(jssj, 'YYYYMMDD'), jssj::date, '121201', 0, zje FROM finance.cw_js WHERE jslx = '2' AND jssj >= :d0::date AND jssj < :d1::date
UNION ALL SELECT 'YJ' || to_char(sksj, 'YYYYMMDD'), sksj::date, CASE zffs WHEN '00' THEN '1001' WHEN '03' THEN '1002' ELSE '1021' END, je, 0 FROM finance.cw_yjj WHERE sksj >= :d0::date AND sksj < :d1::date
UNION ALL SELECT 'YJ' || to_char(sksj, 'YYYYMMDD'), sksj::date, '23050201', 0, je FROM finance.cw_yjj WHERE sksj >= :d0::date AND sksj < :d1::date;
INSERT INTO pz SELECT pzh, rq, '1901', greatest(0, sum(df) - sum(jf)), greatest(0, sum(jf) - sum(df)) FROM pz GROUP BY pzh, rq HAVING sum(jf) <> sum(df);
DELETE FROM finance.cw_pzmx WHERE pzh IN (SELECT pzh FROM finance.cw_pz WHERE rq >= :d0::date AND rq < :d1::date);
DELETE FROM finance.cw_pz WHERE rq >= :d0::date AND rq < :d1::date;
INSERT INTO finance.cw_pz SELECT DISTINCT pzh, to_char(rq, 'YYYYMM'), rq, CASE left(pzh, 2) WHEN 'MZ' THEN '门急诊收入' WHEN 'ZY' THEN '在院病人医疗款' WHEN 'CY' THEN '出院结算' ELSE '住院预交金' END || to_char(rq, 'MMDD'), f.ygdm, NULL, 'HIS' FROM pz, (SELECT min(ygdm) AS ygdm FROM sim.staff WHERE role = 'finance') f;
INSERT INTO finance.cw_pzmx SELECT pzh, row_number() OVER (PARTITION BY pzh ORDER BY km, side), km, CASE split_part(km, '.', 1) WHEN '1001' THEN '库存现金' WHEN '1002' THEN '银行存款' WHEN '1021' THEN '其他货币资金' WHEN '1901' THEN '待处理财产损溢' WHEN '12120201' THEN '应收医保款' WHEN '121201' THEN '应收在院病人医疗款' WHEN '23050201' THEN '住院预收款' WHEN '41010101' THEN '门急诊收入' ELSE '住院收入' END, jf, df, NULL
FROM (SELECT pzh, km, CASE WHEN df <> 0 OR km LIKE '4%' THEN 1 ELSE 0 END AS side, sum(jf) AS jf, sum(df) AS df FROM pz GROUP BY 1, 2, 3 HAVING sum(jf) <> 0 OR sum(df) <> 0) x;
DROP TABLE pz
