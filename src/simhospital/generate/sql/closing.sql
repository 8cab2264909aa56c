INSERT INTO finance.cw_rj
SELECT rjid, min(CASE jslx WHEN '0' THEN '0' WHEN '1' THEN '1' ELSE '2' END), min(czgh), min(rjsj) - interval '1 day', min(rjsj), sum(zje), sum(ybje), sum(zhje), sum(xjje), coalesce(sum(zje) FILTER (WHERE zje < 0), 0), 0, count(*), count(*) FILTER (WHERE zje < 0),
  min(fpid)::text, max(fpid)::text, '1', (SELECT min(ygdm) FROM sim.staff WHERE role = 'finance'), min(rjsj) + interval '1 hour' FROM finance.cw_js WHERE rjid IS NOT NULL GROUP BY rjid;
UPDATE finance.cw_rj r SET yjjs = y.je FROM (SELECT rjid, sum(je) AS je FROM finance.cw_yjj WHERE rjid IS NOT NULL GROUP BY rjid) y WHERE y.rjid = r.rjid;
INSERT INTO finance.cw_rj
SELECT y.rjid, '2', min(y.czgh), date '2000-01-01' + (y.rjid / 10000000)::int + interval '17 hours' - interval '1 day', date '2000-01-01' + (y.rjid / 10000000)::int + interval '17 hours', 0, 0, 0, 0, 0, sum(y.je), 0, 0, NULL, NULL, '1', (SELECT min(ygdm) FROM sim.staff WHERE role = 'finance'), date '2000-01-01' + (y.rjid / 10000000)::int + interval '18 hours'
FROM finance.cw_yjj y LEFT JOIN finance.cw_rj r ON r.rjid = y.rjid WHERE y.rjid IS NOT NULL AND r.rjid IS NULL GROUP BY y.rjid;
INSERT INTO finance.cw_rjmx
SELECT rjid, 'zffs', zffs, sum(p.je) FROM finance.cw_jszf p JOIN finance.cw_js j USING (jsid) WHERE rjid IS NOT NULL GROUP BY rjid, zffs
UNION ALL SELECT rjid, 'sfxm', sfxm, sum(l.je) FROM finance.cw_fymx l JOIN finance.cw_js j USING (jsid) WHERE rjid IS NOT NULL GROUP BY rjid, sfxm
UNION ALL SELECT rjid, 'sfxm', sfxm, sum(l.je) FROM finance.cw_zyfy l JOIN finance.cw_js j USING (jsid) WHERE rjid IS NOT NULL GROUP BY rjid, sfxm;
INSERT INTO finance.dz_qd
SELECT id, (ARRAY['wx','zfb','unionpay','yb'])[CASE zffs WHEN '07' THEN 4 ELSE zffs::int END], zfsj::date, '16003', ddh, lsh, CASE WHEN je < 0 THEN '2' ELSE '1' END, je, sxf, zfsj FROM finance.cw_jszf WHERE zffs IN ('01', '02', '03', '07')
UNION ALL SELECT sjh, (ARRAY['wx','zfb','unionpay'])[zffs::int], sksj::date, '16003', 'YJ' || sjh, upper(md5('y' || sjh)), CASE WHEN je < 0 THEN '2' ELSE '1' END, je, 0, sksj FROM finance.cw_yjj WHERE zffs IN ('01', '02', '03');
CREATE TEMP TABLE pz ON COMMIT DROP AS
SELECT 'MZ' || to_char(jssj, 'YYYYMMDD') AS pzh, jssj::date AS rq, CASE zffs WHEN '00' THEN '1001' WHEN '03' THEN '1002' ELSE '1021' END AS km, p.je AS jf, 0::numeric AS df FROM finance.cw_jszf p JOIN finance.cw_js j USING (jsid) WHERE jslx IN ('0', '1')
UNION ALL SELECT 'MZ' || to_char(jssj, 'YYYYMMDD'), jssj::date, '12120201', ybje + zhje, 0 FROM finance.cw_js WHERE jslx IN ('0', '1')
UNION ALL SELECT 'MZ' || to_char(jssj, 'YYYYMMDD'), jssj::date, '41010101.' || sfxm, 0, l.je FROM finance.cw_fymx l JOIN finance.cw_js USING (jsid)
UNION ALL SELECT 'ZY' || to_char(jfsj, 'YYYYMMDD'), jfsj::date, '121201', je, 0 FROM finance.cw_zyfy
UNION ALL SELECT 'ZY' || to_char(jfsj, 'YYYYMMDD'), jfsj::date, '41010102.' || sfxm, 0, je FROM finance.cw_zyfy
UNION ALL SELECT 'CY' || to_char(jssj, 'YYYYMMDD'), jssj::date, CASE zffs WHEN '08' THEN '23050201' WHEN '03' THEN '1002' ELSE '1021' END, p.je, 0 FROM finance.cw_jszf p JOIN finance.cw_js USING (jsid) WHERE jslx = '2'
UNION ALL SELECT 'CY' || to_char(jssj, 'YYYYMMDD'), jssj::date, '12120201', ybje + zhje, 0 FROM finance.cw_js WHERE jslx = '2'
UNION ALL SELECT 'CY' || to_char(jssj, 'YYYYMMDD'), jssj::date, '121201', 0, zje FROM finance.cw_js WHERE jslx = '2'
UNION ALL SELECT 'YJ' || to_char(sksj, 'YYYYMMDD'), sksj::date, CASE zffs WHEN '00' THEN '1001' WHEN '03' THEN '1002' ELSE '1021' END, je, 0 FROM finance.cw_yjj
UNION ALL SELECT 'YJ' || to_char(sksj, 'YYYYMMDD'), sksj::date, '23050201', 0, je FROM finance.cw_yjj;
INSERT INTO finance.cw_pz SELECT DISTINCT pzh, to_char(rq, 'YYYYMM'), rq, CASE left(pzh, 2) WHEN 'MZ' THEN '门急诊收入' WHEN 'ZY' THEN '在院病人医疗款' WHEN 'CY' THEN '出院结算' ELSE '住院预交金' END || to_char(rq, 'MMDD'), f.ygdm, NULL, 'HIS' FROM pz, (SELECT min(ygdm) AS ygdm FROM sim.staff WHERE role = 'finance') f WHERE rq < :last;
INSERT INTO finance.cw_pzmx SELECT pzh, row_number() OVER (PARTITION BY pzh ORDER BY km, side), km, CASE split_part(km, '.', 1) WHEN '1001' THEN '库存现金' WHEN '1002' THEN '银行存款' WHEN '1021' THEN '其他货币资金' WHEN '12120201' THEN '应收医保款' WHEN '121201' THEN '应收在院病人医疗款' WHEN '23050201' THEN '住院预收款' WHEN '41010101' THEN '门急诊收入' ELSE '住院收入' END, jf, df, NULL
FROM (SELECT pzh, km, CASE WHEN df <> 0 OR km LIKE '4%' THEN 1 ELSE 0 END AS side, sum(jf) AS jf, sum(df) AS df FROM pz WHERE rq < :last GROUP BY 1, 2, 3 HAVING sum(jf) <> 0 OR sum(df) <> 0) x;
INSERT INTO his.yk_crk SELECT ypxh, '1', ypxh, 'P' || (2600 + ypxh % 60), need, round(need * jhj, 2), round(need * lsj, 2), '090906', :first::timestamp - interval '1 day', w.ygdm, w.ygdm
FROM (SELECT y.ypxh, y.jhj, y.lsj, ceil(coalesce(o.sl, 0) * 1.2) + 1000 AS need FROM his.yk_ypml y LEFT JOIN (SELECT ypxh, sum(sl) AS sl FROM (SELECT ypxh, sl FROM his.yf_mzfy UNION ALL SELECT ypxh, sl FROM his.yf_zyfy) a GROUP BY ypxh) o USING (ypxh)) n, (SELECT min(ygdm) AS ygdm FROM sim.staff WHERE role = 'pharmacist') w;
INSERT INTO his.yf_kcmx SELECT c.ypxh, '090901', c.ypxh, c.ph, :first::date + 900, c.sl - coalesce(o.sl, 0), y.jhj, y.lsj, 'K' || c.ypxh % 90 FROM his.yk_crk c JOIN his.yk_ypml y USING (ypxh) LEFT JOIN (SELECT ypxh, sum(sl) AS sl FROM (SELECT ypxh, sl FROM his.yf_mzfy UNION ALL SELECT ypxh, sl FROM his.yf_zyfy) a GROUP BY ypxh) o USING (ypxh);
INSERT INTO his.zy_cwsz SELECT s.bq, s.cwh, CASE WHEN bool_or(s.icu) THEN '3' ELSE '1' END, CASE WHEN bool_or(s.icu) THEN 160 ELSE 45 END, max(s.zyh) FILTER (WHERE s.cysj >= :last), NULL FROM sim.stay s GROUP BY s.bq, s.cwh;
INSERT INTO lis.zk_main SELECT x.itemno, 'QC2601', '1', x.itemno, CASE x.sectionno WHEN 1 THEN 1 WHEN 2 THEN 2 WHEN 3 THEN 5 ELSE 4 END, (k.low + k.high) / 2, greatest((k.high - k.low) / 12, 0.0001) FROM lis.jy_xm x JOIN lis.jy_ckz k USING (itemno) WHERE x.resulttype = 'N';
INSERT INTO lis.zk_jg SELECT q.qcid, d.day + interval '7 hours', v, CASE WHEN abs(v - q.target) > 3 * q.sd THEN '1-3s' WHEN abs(v - q.target) > 2 * q.sd THEN '1-2s' END, CASE WHEN abs(v - q.target) > 3 * q.sd THEN '重测并校准' END
FROM lis.zk_main q, sim.days d CROSS JOIN LATERAL (SELECT 1) o CROSS JOIN LATERAL (SELECT round((q.target + q.sd * (sim.r(q.qcid * 100000::bigint + d.dayno, 270) + sim.r(q.qcid * 100000::bigint + d.dayno, 271) + sim.r(q.qcid * 100000::bigint + d.dayno, 272) - 1.5) * 2.1)::numeric, 4) AS v) r;
INSERT INTO his.gy_jggd SELECT row_number() OVER (ORDER BY fyxh), fyxh, round(fydj * 0.95, 2), fydj, :first::timestamp - interval '120 days', '粤医保发〔2026〕12号' FROM his.gy_ylsf WHERE fyxh % 3 = 0;
INSERT INTO cis.zy_zyz SELECT jzid * 10 + 9, jzid, '0101', '收住院', 3000, CASE WHEN sim.n(jzid, 281, 10) < 8 THEN '2' ELSE '1' END FROM cis.mz_jzjl WHERE sim.n(jzid, 280, 1000) < 39;
INSERT INTO cis.cis_sx SELECT sssq, zyh, (ARRAY['悬浮红细胞','血浆','血小板'])[1 + sim.n(sssq, 283, 3)], 200, 'D' || sssq, nssj + interval '1 hour', nssj + interval '3 hours', NULL FROM cis.ss_sq WHERE sim.n(sssq, 282, 100) < 12;
INSERT INTO lis.yq_rw SELECT EquipNo, BarCode, NULL, min(InstTime) - interval '30 minutes' FROM lis.yq_ysjg GROUP BY EquipNo, BarCode;
INSERT INTO lis.jy_xj SELECT row_number() OVER (ORDER BY BarCode, a.anti), BarCode, '大肠埃希菌', a.anti, (ARRAY['S','S','I','R'])[1 + sim.n(right(BarCode, 11)::bigint, 285, 4)], '<=4', 'MIC' FROM lis.bb_main, unnest(ARRAY['头孢他啶','左氧氟沙星','美罗培南']) a(anti) WHERE SampleTypeNo = '06' AND Status = '8' AND sim.n(right(BarCode, 11)::bigint, 284, 100) < 8;
INSERT INTO emr.bl_mb SELECT k, (ARRAY['入院记录','首次病程记录','日常病程记录','出院记录','手术记录'])[k], (ARRAY['01','02','03','12','09'])[k], NULL, '<doc><section code="cc"/><section code="hpi"/><section code="dx"/></doc>', 1 FROM generate_series(1, 5) k;
INSERT INTO emr.bl_ys SELECT blid * 10 + 1, blid, 'DE04.01.119.00', '主诉', substring(nr from '<cc>(.*?)</cc>') FROM emr.bl_doc WHERE blid % 100 = 1;
INSERT INTO emr.bl_zk SELECT zyh, zyh, (ARRAY['病程记录缺上级医师签名','首次病程未在 8 小时内完成','诊断依据不足'])[1 + sim.n(zyh, 286, 3)], 2 + sim.n(zyh, 287, 9), CASE WHEN sim.n(zyh, 287, 9) > 7 THEN '2' ELSE '1' END, zkys FROM emr.ba_sy WHERE sim.n(zyh, 288, 100) < 20;
INSERT INTO emr.bl_jy SELECT zyh, zyh, (SELECT min(ygdm) FROM sim.staff WHERE role = 'nurse'), '科研', gdsj + interval '1 day', gdsj + interval '4 days' FROM emr.bl_gd WHERE gdsj IS NOT NULL AND sim.n(zyh, 289, 100) < 3;
INSERT INTO cis.cis_blsj SELECT dayno, (ARRAY['跌倒坠床','给药错误','管路滑脱','标本差错','信息系统故障'])[1 + sim.n(dayno, 273, 5)], (ARRAY['2','3','3','4'])[1 + sim.n(dayno, 274, 4)], day + interval '10 hours', day + interval '15 hours', '0101', '0', '2' FROM sim.days WHERE sim.n(dayno, 275, 10) < 4
